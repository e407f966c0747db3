/** SHA-256 of texts, for the doubles. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/** SHA-256 of the UTF-8 bytes of `text`, in lower-case hexadecimal. */
export const ofText = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)))

/** How many bytes `text` takes in UTF-8. */
export const byteLength = (text: string): number => utf8ToBytes(text).length
