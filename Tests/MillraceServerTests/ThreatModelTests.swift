import Glibc
import MillraceCore
import Testing

@testable import MillraceServer

/// `Docs/threat-model.md` names tests and settings: each of them exists.
@Suite struct ThreatModelTests {
    private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")

    private static func read(_ path: String) throws -> String {
        String(decoding: try BoundedFile.read("\(root)/\(path)", limit: 1 << 20), as: UTF8.self)
    }

    /// The Swift files below a directory.
    private static func sources(_ path: String) -> [String] {
        guard let folder = opendir("\(root)/\(path)") else { return [] }
        defer { closedir(folder) }
        var files: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasPrefix(".") { continue }
            if name.hasSuffix(".swift") { files.append("\(path)/\(name)") } else { files += sources("\(path)/\(name)") }
        }
        return files
    }

    /// The texts between backticks.
    private static func codes(_ text: String) -> [String] {
        text.split(separator: "\n").flatMap { line in
            line.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map {
                String($0.element)
            }
        }
    }

    @Test func testsInTheThreatModel_exist() throws {
        let texts = try Self.sources("Tests").map { try Self.read($0) }
        var count = 0
        for code in Self.codes(try Self.read("Docs/threat-model.md")) {
            let parts = code.split(separator: "/", omittingEmptySubsequences: false)
            guard let suite = parts.first, suite.first?.isUppercase == true,
                suite.hasSuffix("Tests") || suite.hasPrefix("StoreConformance"),
                suite.allSatisfy({ $0.isLetter || $0.isNumber })
            else { continue }
            let holding = texts.filter { text in
                ["struct \(suite)", "enum \(suite)", "class \(suite)", "extension \(suite)"].contains { text.contains($0) }
            }
            #expect(!holding.isEmpty, "there is no suite \(suite)")
            if parts.count > 1 {
                #expect(holding.contains { $0.contains("func \(parts[1])(") }, "there is no test \(code)")
            }
            count += 1
        }
        #expect(count > 80, "the document names its tests: \(count)")
    }

    @Test func settingsInTheThreatModel_exist() throws {
        let keys = Set(SettingTable.all.compactMap(\.key))
        let groups = Set(keys.compactMap { $0.split(separator: ".").first })
        var count = 0
        for code in Self.codes(try Self.read("Docs/threat-model.md")) {
            let parts = code.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, groups.contains(parts[0]) else { continue }
            #expect(keys.contains(code), "there is no setting \(code)")
            count += 1
        }
        #expect(count > 30)
    }
}
