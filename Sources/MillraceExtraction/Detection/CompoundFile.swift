import Glibc
import MillraceCore

/// The files of Office before 2007 (MS-CFB), which are not read: in one of them stands an encrypted newer document (MS-OFFCRYPTO, section 2.3.4).
enum CompoundFile {
    /// Why it is not read.
    static func problem(descriptor: Int32) -> MillraceError {
        contains(Array("EncryptedPackage".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }), descriptor)
            ? MillraceError(.documentEncrypted, "the document asks for a password: save it without one")
            : MillraceError(
                .unsupportedDocument, "this is a file of Office 97 to 2003 (doc, xls, ppt or msg): save it as docx, xlsx, pptx or pdf")
    }

    private static func contains(_ wanted: [UInt8], _ descriptor: Int32) -> Bool {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        var rest: [UInt8] = []
        lseek(descriptor, 0, SEEK_SET)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 else { return false }
            let bytes = rest + piece[..<count]
            var place = 0
            while let found = bytes[place...].firstIndex(of: wanted[0]) {
                if bytes[found...].starts(with: wanted) { return true }
                place = found + 1
            }
            rest = Array(bytes.suffix(wanted.count - 1))
        }
    }
}
