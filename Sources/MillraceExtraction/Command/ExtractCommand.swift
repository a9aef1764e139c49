import Glibc
import MillraceCore

/// The command `millrace-extract`: it confines itself, then reads the document on its standard input.
package enum ExtractCommand {
    /// Runs the command and ends the process: with status 0 when the document was read, 1 when its last line says why not.
    /// - Parameter arguments: without the program's name.
    package static func run(_ arguments: [String]) -> Never {
        if arguments.contains("--help") {
            print(ExtractOptions.help, terminator: "")
            exit(0)
        }
        let output = FrameWriter(descriptor: 1)
        do throws(MillraceError) {
            try extract(try ExtractOptions(arguments), output)
        } catch {
            try? output.failure(error)
            _exit(1)
        }
        // Without what runs at a usual end: a leak detector would ask for rights that this process has given up.
        _exit(0)
    }

    private static func extract(_ options: ExtractOptions, _ output: FrameWriter) throws(MillraceError) {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        let unnamed = __O_TMPFILE | O_DIRECTORY | O_RDWR | O_EXCL | O_CLOEXEC
        let spool = options.spool >= 0 ? options.spool : open("/tmp", unnamed, 0o600)
        guard null >= 0, spool >= 0 else {
            throw MillraceError(.extractionFailed, "there is no place for the document's copy: \(String(cString: strerror(errno)))")
        }
        _ = fcntl(spool, F_SETFD, FD_CLOEXEC)
        let confinement = try Confinement(options, spool: spool)
        let input = DocumentInput(descriptor: 0, limit: options.documentBytes)
        var extraction = Extraction(options, input: input, spool: spool, null: null, output: output, confinement)
        try extraction.run()
    }
}
