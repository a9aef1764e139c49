import Glibc
import MillraceCore
import MillraceCounterparts
import Testing

@testable import MillraceExtraction

/// What the extractor's processes cannot do, and what they say where the kernel does not confine them.
@Suite(.ownThreads) struct SandboxTests {
    /// Everything that a program which reads a PDF tries is refused: by the filter of calls (EPERM; ENOSYS where a library shall fall back), or by
    /// Landlock (EACCES).
    @Test func programThatReadsAPDF_canDoNothingElse() throws {
        let probe = try Probe()
        let run = try ExtractorRun(Probe.document("attack"), ["--pdf-programs", probe.folder])
        #expect(run.isRead, "\(run.message)")
        var results: [String: String] = [:]
        for line in run.text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { results[String(parts[0])] = String(parts[1].dropFirst()) }
        }
        let refused = [
            "socket", "socket-v6", "socket-unix", "socket-netlink", "socketpair", "io_uring", "fork", "namespace", "ptrace",
            "ptrace-parent",
            "memory-of-parent", "kill-parent", "kill-all", "session", "mount", "chroot", "bpf", "perf", "keyctl", "userfaultfd", "memfd",
            "setuid", "raise-limit", "limit-parent", "write-file", "write-device", "unlink", "chmod",
        ]
        for name in refused { #expect(results[name] == "EPERM", "\(name)") }
        #expect(results["clone3"] == "ENOSYS")
        // Its own document, and what it is told from: nothing else of the server's.
        #expect(results["descriptors"] == "1" && results["variables"] == "1")
        #expect(results["core"] == "0" && results["privileges"] == "1")
        let parts = run.frames.first?["sandbox"]?.array?.compactMap(\.string) ?? []
        #expect(parts.starts(with: ["limits", "privileges"]) && parts.contains("seccomp"))
        if parts.contains(where: { $0.hasPrefix("landlock") }) {
            for name in ["exec", "read-passwd", "read-parent", "read-home"] { #expect(results[name] == "EACCES", "\(name)") }
            #expect(results["read-library"] == "done")
            #expect(run.warnings == BuildWithSanitizer.warnings)
        } else {
            #expect(run.warnings.contains { $0.contains("Landlock") })
        }
    }

    @Test func kernelWithoutFilters_isToldOf() throws {
        let run = try ExtractorRun(Array("text".utf8), launcher: [Probe().program, "without-seccomp"])
        #expect(run.text == "text")
        #expect(run.frames.first?["sandbox"]?.array?.contains("seccomp") == false)
        #expect(run.warnings.contains { $0.contains("seccomp") && $0.contains("not confined") })
    }

    @Test func documentThatIsReadHere_shutsEverything() throws {
        let parts = try ExtractorRun(Array("text".utf8)).frames.first?["sandbox"]?.array
        #expect(parts?.last == "shut")
    }

    /// The filter is for the thread that asks for it, and here other threads run on: so in a process of its own.
    @Test func processThatHasShut_opensNothing() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let spool = open("/dev/null", O_RDWR)
            var options = ExtractOptions()
            options.memoryBytes = 1 << 40
            options.documentBytes = 1 << 30
            guard var confinement = try? Confinement(options, spool: spool) else { exit(1) }
            guard open("/usr/lib/os-release", O_RDONLY) >= 0, open("/tmp", O_RDONLY) < 0 || !confinement.warnings.isEmpty else { exit(2) }
            confinement.shut()
            guard open("/usr/lib/os-release", O_RDONLY) < 0, errno == EPERM else { exit(3) }
            guard socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) < 0, errno == EPERM else { exit(4) }
            guard kill(getpid(), 0) < 0, errno == EPERM else { exit(5) }
            _exit(42)
        }
    }

    @Test(arguments: [
        ("burn", ["--processor-seconds", "1"], "extraction_timeout"), ("allocate", ["--memory-bytes", "100000000"], "document_too_large"),
        ("crash", [], "extraction_failed"), ("endless", ["--pages", "50"], "document_too_large"),
    ])
    func pdfThatTakesTooMuch_isAnError(what: String, arguments: [String], code: String) throws {
        if what == "allocate", BuildWithSanitizer.isThis { return }
        let probe = try Probe()
        let run = try ExtractorRun(Probe.document(what), ["--pdf-programs", probe.folder, "--processor-seconds", "5"] + arguments)
        #expect(run.error == code, "\(run.message)")
    }

    @Test func garbageOfPoppler_isCleaned() throws {
        let probe = try Probe()
        let run = try ExtractorRun(Probe.document("garbage"), ["--pdf-programs", probe.folder])
        #expect(run.isRead && !run.pieces.isEmpty)
        #expect(run.text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" || $0 == "\t" })
    }

    @Test func popplerThatIsMissing_isSaid() throws {
        let run = try ExtractorRun(Array("%PDF-1.4".utf8), ["--pdf-programs", "/nowhere"])
        #expect(run.error == "extraction_failed" && run.message.contains("poppler-utils"))
    }
}

/// The limit of the address space holds for the program with all its libraries, and is far below what is read.
@Suite(.ownThreads) struct ExtractionMemoryTests {
    @Test func hugeText_isReadInLittleMemory() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/huge.txt"
        let line = Array(String(repeating: "All work and no play makes a dull server. ", count: 24).utf8) + [0x0A]
        let block = Array([[UInt8]](repeating: line, count: 1000).joined())
        let file = try #require(fopen(path, "w"))
        for _ in 0..<100 { fwrite(block, 1, block.count, file) }
        fclose(file)
        #expect(block.count * 100 > 100_000_000)
        let run = try ExtractorRun(file: path, ["--memory-bytes", "\(Confinement.leastMemory)"], edges: true)
        #expect(run.isRead && run.end?["characters"] == .integer(block.count * 100))
        #expect(run.pieces.last?["last"] == 100_000)
    }

    @Test func longPDF_isReadInLittleMemory() throws {
        guard let made = try Documents.made() else { return }
        let run = try ExtractorRun(file: made + "/pages.pdf", ["--memory-bytes", "128000000"])
        #expect(run.isRead && run.end?["pages"] == 500)
    }
}
