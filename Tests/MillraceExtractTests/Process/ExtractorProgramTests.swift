import CLinux
import FoundationEssentials
import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

/// Programs in the extractor's place that do what a process may do that was taken over, or is of another version.
@Suite(.ownThreads) struct ExtractorProgramTests {
    private static let impostor = Counterpart.packageRoot + "/Tests/MillraceExtractTests/Reference/impostor.sh"

    @Test(arguments: [
        ("hello", ErrorCode.extractionFailed), ("nothing", .extractionFailed), ("status", .extractionFailed), ("killed", .documentTooLarge),
        ("fault", .extractionFailed), ("processor", .extractionTimeout), ("memory", .documentTooLarge), ("closed", .extractionFailed),
        ("long-line", .extractionFailed), ("end-first", .extractionFailed), ("wrong-type", .extractionFailed),
        ("wrong-code", .extractionFailed),
        ("cut", .extractionFailed), ("endless", .documentTooLarge), ("silent", .extractionTimeout), ("two", .extractionTimeout),
    ])
    func program_isNotBelieved(what: String, code: ErrorCode) async throws {
        // A file that a test has just written cannot be started while another's child still has it open.
        let extractor = try ProcessDocumentExtractorTests.extractor { $0.program = Self.impostor }
        var limits = DocumentLimits()
        limits.seconds = code == .extractionTimeout ? 1 : 120
        limits.textCharacters = 1000
        let error = await #expect(throws: MillraceError.self) {
            let bytes = [UInt8](repeating: 0x61, count: 300_000)
            _ = try await ProcessDocumentExtractorTests.read(extractor, bytes, mimeType: what, limits: limits)
        }
        #expect(error?.code == code, "\(error?.description ?? "")")
        #expect(error?.message.contains("cannot be started") == false)
        #expect(extractor.load == (0, 0))
    }

    /// Whatever becomes of documents, nothing is left behind. The processes and the descriptors of a process are looked at, so in one of its own.
    @Test func nothing_isLeftBehind() async throws {
        guard try Documents.made() != nil else { return }
        let probe = try Probe()
        await #expect(processExitsWith: .exitCode(42)) { [folder = probe.folder as String] in
            cl_adopt_orphans()
            let extractor = try ProcessDocumentExtractorTests.extractor { $0.pdfPrograms = folder }
            // What is only opened at the first use is open then.
            _ = try? await ProcessDocumentExtractorTests.read(extractor, Probe.document("garbage"))
            let before = OwnProcess.descriptors()
            var limits = DocumentLimits()
            limits.seconds = 1
            for what in ["hang", "crash", "garbage", "attack", "hang"] {
                _ = try? await ProcessDocumentExtractorTests.read(extractor, Probe.document(what), limits: limits)
            }
            let cancelled = Task {
                try await extractor.extract(DocumentDescription(), from: ProcessDocumentExtractorTests.source(Probe.document("hang"))) {
                    document in
                    withUnsafeCurrentTask { $0?.cancel() }
                    while try await document.next() != nil {}
                }
            }
            _ = try? await cancelled.value
            // One that leaves another behind, which is ours to wait for.
            let impostor = try ProcessDocumentExtractorTests.extractor { $0.program = Self.impostor }
            _ = try? await ProcessDocumentExtractorTests.read(impostor, [], mimeType: "two", limits: limits)
            // Others of this process may have some open for a moment; what is lost stays lost.
            for _ in 0..<3000 where OwnProcess.descriptors() > before { usleep(10_000) }
            guard OwnProcess.descriptors() <= before else { exit(1) }
            guard OwnProcess.children().isEmpty else { exit(2) }
            exit(42)
        }
    }

    @Test func serverThatIsKilled_takesItsExtractorsAlong() async throws {
        let probe = try Probe()
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = probe.folder as String, path = directory.path as String] in
            let extractor = try ProcessDocumentExtractorTests.extractor { $0.pdfPrograms = folder }
            try await extractor.extract(DocumentDescription(), from: ProcessDocumentExtractorTests.source(Probe.document("hang"))) {
                document in
                _ = try await document.next()
                let all = OwnProcess.children().flatMap { [$0] + OwnProcess.children(of: $0) }
                try Data(all.map { "\($0)" }.joined(separator: " ").utf8).write(to: URL(filePath: path + "/numbers"))
                kill(getpid(), SIGKILL)
            }
        }
        let numbers = String(decoding: try Data(contentsOf: URL(filePath: directory.path + "/numbers")), as: UTF8.self)
            .split(separator: " ").compactMap { pid_t($0) }
        #expect(numbers.count == 2)
        // The kernel has killed them; who waits for them then is not ours.
        for number in numbers {
            for _ in 0..<3000 where OwnProcess.isRunning(number) { usleep(10_000) }
            #expect(!OwnProcess.isRunning(number), "\(number) runs on")
        }
    }
}
