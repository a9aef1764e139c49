import FoundationEssentials
import Testing

/// Every input of the corpora through its entry, without libFuzzer: what a fuzzer has found once is not to come back.
@Suite struct CorpusTests {
    static let folder = #filePath.dropLast("CorpusTests.swift".count) + "Corpora/"

    static func inputs(of target: String) throws -> [(name: String, bytes: [UInt8])] {
        try FileManager.default.contentsOfDirectory(atPath: folder + target).sorted().map { name in
            (name, Array(try Data(contentsOf: URL(filePath: "\(folder)\(target)/\(name)"))))
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name)) func corpus_isReadWithoutDisagreement(target: String) throws {
        let entry = try #require(FuzzTarget.named(target))
        let inputs = try Self.inputs(of: target)
        #expect(!inputs.isEmpty, "\(target) has no corpus")
        for (name, bytes) in inputs + [("nothing", [])] {
            do { try entry.check(bytes) } catch { Issue.record("\(target)/\(name): \(error)") }
        }
    }

    @Test func everyCorpus_hasItsTarget() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: String(Self.folder)).sorted()
        #expect(folders == FuzzTarget.all.map(\.name).sorted())
    }
}
