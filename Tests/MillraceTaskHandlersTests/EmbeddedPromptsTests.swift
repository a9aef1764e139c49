import Glibc
import Millrace
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

/// What is embedded is what stands in the folders.
@Suite struct EmbeddedPromptsTests {
    /// The folders of handlers that have prompts, with what was embedded of each.
    static let folders = [
        ("chat", ChatPrompts.files), ("document_analysis", DocumentAnalysisPrompts.files), ("rag_oss", RagOssPrompts.files),
    ]

    private static func source(_ path: String) -> String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
            + "/Sources/MillraceTaskHandlers/" + path
    }

    private static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func files(_ folder: String, _ prefix: String = "") throws -> [String: String] {
        var files: [String: String] = [:]
        for name in entries(folder) {
            if name.hasSuffix(".j2") {
                files[prefix + name] = String(decoding: try BoundedFile.read("\(folder)/\(name)", limit: 1 << 20), as: UTF8.self)
            } else {
                try files.merge(Self.files("\(folder)/\(name)", prefix + name + "/")) { $1 }
            }
        }
        return files
    }

    @Test(arguments: folders)
    func files_areEmbeddedAsTheyAre(handler: String, embedded: [String: String]) throws {
        let command =
            "swift run millrace prompts embed Sources/MillraceTaskHandlers/\(handler)/prompts "
            + "Sources/MillraceTaskHandlers/\(handler)/\(TaskHandlerRegistry.typeName(for: handler).dropLast("Handler".count))Prompts.swift"
        #expect(try Self.files(Self.source("\(handler)/prompts")) == embedded, "make them anew: \(command)")
        _ = try PromptLibrary().folder(handler, embedded: embedded)
    }

    @Test func everyFolderOfPrompts_isLookedAt() {
        let handlers = Self.entries(Self.source("")).filter { !Self.entries(Self.source("\($0)/prompts")).isEmpty }
        #expect(!handlers.isEmpty)
        #expect(handlers == Self.folders.map(\.0))
    }
}
