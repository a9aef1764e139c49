import FoundationEssentials
import Millrace
import MillraceCore
import Testing

@testable import MillraceTaskHandlers

@Suite struct PartSpoolTests {
    private static func part(_ number: Int, _ text: String = "Text “with” quotes,\nlines, \u{0} and 🦊.") -> AnalysisPart {
        let positions = [
            DocumentPosition(page: number), DocumentPosition(slide: 2, section: ["A", "B"]),
            DocumentPosition(sheet: "Costs", rows: 2...40), DocumentPosition(section: ["One › Two"], lines: 7...9),
        ]
        return AnalysisPart(
            number: number,
            passages: positions.enumerated().map { place, position in
                CollectionPassage(
                    documentID: "doc_1", place: place, text: "\(text) \(place)", title: "A title", position: position,
                    sections: place == 1 ? [SectionStart(offset: 5, section: ["A", "C"])] : [], source: "content://f_1",
                    mimeType: "application/pdf")
            })
    }

    private static func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory.path() + "millrace-spool-\(Identifier.make(prefix: "t"))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func parts_comeBackAsTheyWere_inAnyOrder_outOfAFileWithoutAName() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let spool = PartSpool(directory: folder, budget: .init(), limit: 1 << 20)
        let parts =
            (1...5).map { Self.part($0, String(repeating: "\($0)ä", count: $0 * 100)) } + [
                Self.part(6), AnalysisPart(number: 7, passages: []),
            ]
        for part in parts { try spool.append(part) }
        #expect(spool.count == 7)
        for number in [7, 1, 6, 3, 3, 2, 4, 5] { #expect(try spool.part(number) == parts[number - 1]) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test func budget_isSharedAndGivenBack() throws {
        let budget = PartSpool.Budget()
        let length: Int
        do {
            let spool = PartSpool(directory: "/tmp", budget: budget, limit: 1 << 20)
            try spool.append(Self.part(1))
            length = budget.bytes
            #expect(length > 300)
            let other = PartSpool(directory: "/tmp", budget: budget, limit: length + 10)
            let error = #expect(throws: MillraceError.self) { try other.append(Self.part(1)) }
            #expect(error?.code == .limitExceeded && error?.message.contains("documentAnalysisConfig.maxSpoolMb") == true)
            #expect(error?.isRetryable == true && other.count == 0 && budget.bytes == length)
            #expect(try spool.part(1) == Self.part(1))
        }
        #expect(budget.bytes == 0)
        // Alone it would not fit either: trying again does not help.
        let small = PartSpool(directory: "/tmp", budget: budget, limit: length - 1)
        #expect(#expect(throws: MillraceError.self) { try small.append(Self.part(1)) }?.isRetryable == false)
    }

    @Test func directoryThatThereIsNot_isSaid() {
        let budget = PartSpool.Budget()
        let spool = PartSpool(directory: "/nowhere/at/all", budget: budget, limit: 1 << 20)
        let error = #expect(throws: MillraceError.self) { try spool.append(Self.part(1)) }
        #expect(error?.code == .storageUnavailable && error?.message.contains("'/nowhere/at/all'") == true && budget.bytes == 0)
    }
}
