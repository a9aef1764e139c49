import Glibc
import MillraceCore

/// The document as it comes on a descriptor, counted. Confined to the thread that extracts.
final class DocumentInput {
    private let descriptor: Int32
    private let limit: Int
    private var count = 0
    private var piece = [UInt8](repeating: 0, count: 64 << 10)
    /// What was read ahead.
    private(set) var head: [UInt8] = []

    init(descriptor: Int32, limit: Int) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// Reads ahead, so that the type can be told.
    func readHead(_ wanted: Int) throws(MillraceError) {
        while head.count < wanted, let bytes = try more() { head += bytes }
    }

    /// The next bytes; `nil` at the end.
    func next() throws(MillraceError) -> [UInt8]? {
        guard head.isEmpty else {
            defer { head = [] }
            return head
        }
        return try more()
    }

    private func more() throws(MillraceError) -> [UInt8]? {
        while true {
            let read = Glibc.read(descriptor, &piece, piece.count)
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else {
                throw MillraceError(.extractionFailed, "the document cannot be read: \(String(cString: strerror(errno)))")
            }
            guard read > 0 else { return nil }
            count += read
            guard count <= limit else { throw Self.tooLong(limit) }
            return Array(piece[..<read])
        }
    }

    /// Copies all of the document to a file.
    /// - Parameter file: empty, open for reading and writing.
    func spool(to file: Int32) throws(MillraceError) {
        while let bytes = try next() {
            var done = 0
            while done < bytes.count {
                let written = bytes.withUnsafeBytes { write(file, $0.baseAddress.map { $0 + done }, bytes.count - done) }
                if written < 0, errno == EINTR { continue }
                if written < 0, errno == EFBIG { throw Self.tooLong(limit) }
                guard written > 0 else {
                    throw MillraceError(
                        .extractionFailed, "the document's copy cannot be written: \(String(cString: strerror(errno)))", isRetryable: true)
                }
                done += written
            }
        }
    }

    private static func tooLong(_ limit: Int) -> MillraceError {
        MillraceError(.documentTooLarge, "the document is longer than \(limit) bytes: split it, or raise the limit")
    }
}
