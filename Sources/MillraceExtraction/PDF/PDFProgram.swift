import CLinux
import Glibc
import MillraceCore

/// One of poppler's programs that runs and whose output is read. Confined to the thread that extracts.
struct PDFProgram {
    private let name: String
    private let process: pid_t
    private let output: Int32
    private let errors: Int32

    /// How much of what it says of errors is kept.
    private static let errorBytes = 4096

    /// Starts the program on the document.
    init(
        _ name: String, _ options: [String], _ folder: String, _ document: Int32, _ null: Int32, endsWithPath: Bool
    ) throws(MillraceError) {
        let output = try Self.pipe(for: name)
        let errors: Pipe
        do throws(MillraceError) { errors = try Self.pipe(for: name) } catch {
            output.close()
            throw error
        }
        let words = [name] + options + ["/proc/self/fd/\(document)"] + (endsWithPath ? [] : ["-"])
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = [strdup("LC_ALL=C.UTF-8"), nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        process = cl_start_alone("\(folder)/\(name)", &arguments, &variables, null, output.writeEnd, errors.writeEnd, document)
        close(output.writeEnd)
        close(errors.writeEnd)
        self.name = name
        self.output = output.readEnd
        self.errors = errors.readEnd
        guard process > 0 else {
            close(self.output)
            close(self.errors)
            throw Self.failure(name, -process)
        }
    }

    private static func pipe(for name: String) throws(MillraceError) -> Pipe {
        do throws(MillraceError) { return try Pipe() } catch {
            throw MillraceError(.extractionFailed, "\(name) cannot be started: \(error.message)", isRetryable: true)
        }
    }

    private static func failure(_ name: String, _ error: Int32) -> MillraceError {
        MillraceError(.extractionFailed, "\(name) cannot be started: \(String(cString: strerror(error)))", isRetryable: true)
    }

    /// Reads the output to its end and takes the program's status.
    /// - Throws: what `take` throws; an error for a program that failed. The program has ended in any case, or will as its output is closed.
    func run(_ take: ([UInt8]) throws(MillraceError) -> Void) throws(MillraceError) {
        var said: [UInt8] = []
        do throws(MillraceError) {
            try read(take, &said)
        } catch {
            // It may not be killed from here: it ends at the first thing that it writes, or with this process.
            close(output)
            close(errors)
            throw error
        }
        close(output)
        close(errors)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        if let problem = PDFProblem.of(name, status, said: String(decoding: said, as: UTF8.self)) { throw problem }
    }

    private func read(_ take: ([UInt8]) throws(MillraceError) -> Void, _ said: inout [UInt8]) throws(MillraceError) {
        var open = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0), pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while open.contains(where: { $0.fd >= 0 }) {
            guard poll(&open, nfds_t(open.count), -1) >= 0 else {
                if errno == EINTR { continue }
                throw Self.failure(name, errno)
            }
            for index in open.indices where open[index].fd >= 0 && open[index].revents != 0 {
                let count = Glibc.read(open[index].fd, &piece, piece.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    open[index].fd = -1
                } else if index == 0 {
                    try take(Array(piece[..<count]))
                } else {
                    // The end says most.
                    said = Array((said + piece[..<count]).suffix(Self.errorBytes))
                }
            }
        }
    }
}
