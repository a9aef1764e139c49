import Millrace
import MillraceAWS
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct FileDocumentTests {
    private let directory = TemporaryDirectory()

    private func read(_ document: IngestionDocument) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await document.read { next in while let piece = try await next() { bytes += piece } }
        return bytes
    }

    @Test(arguments: ["", "text", String(repeating: "long ", count: 200_000)]) func file_isReadAsItIs(text: String) async throws {
        directory.write("a.txt", text)
        let executor = try BlockingExecutor(name: "test", threads: 1)
        let document = FileDocument(directory.path + "/a.txt", executor: executor).document(name: "f/a.txt", metadata: ["a": "b"])
        #expect(document.name == "f/a.txt" && document.title == "a.txt" && document.metadata == ["a": "b"])
        #expect(try await document.contentHash() == SHA256.hexadecimal(Array(text.utf8)))
        #expect(try await read(document) == Array(text.utf8))
    }

    /// A slash and an accent behind it are one character, but two bytes of a path.
    @Test func nameThatBeginsWithAnAccent_isPartedFromItsFolder() throws {
        directory.write("\u{301}a.txt", "text")
        let path = directory.path + "/\u{301}a.txt"
        let document = FileDocument(path, executor: try BlockingExecutor(name: "test", threads: 1)).document(name: "n", metadata: [:])
        #expect(document.title == "\u{301}a.txt")
        let walk = try FolderWalk([path, directory.path])
        let folder = try #require(walk.folders.first)
        #expect(walk.files.map(\.name) == ["\u{301}a.txt", folder + "\u{301}a.txt"])
        #expect(walk.files.allSatisfy { $0.path.utf8.elementsEqual(path.utf8) })
    }

    /// Its passages would be called those of other bytes.
    @Test func fileThatChangesBehindItsHash_isAnError() async throws {
        directory.write("a.txt", "one")
        let executor = try BlockingExecutor(name: "test", threads: 1)
        let document = FileDocument(directory.path + "/a.txt", executor: executor).document(name: "a.txt", metadata: [:])
        _ = try await document.contentHash()
        directory.write("a.txt", "another")
        await #expect { try await read(document) } throws: { ($0 as? MillraceError)?.code == .conflict }
    }

    @Test func fileThatIsGone_orNone_isAnError() async throws {
        let executor = try BlockingExecutor(name: "test", threads: 1)
        for path in [directory.path + "/none", directory.path] {
            let document = FileDocument(path, executor: executor).document(name: "a", metadata: [:])
            await #expect { try await document.contentHash() } throws: { ($0 as? MillraceError)?.code == .system }
        }
    }
}
