import Millrace
import Testing

@Suite struct PassageCollectionTests {
    static let passages = [
        CollectionPassage(documentID: "a", place: 0, text: "Heat pumps move heat.", title: "Pumps", source: "a.txt"),
        CollectionPassage(
            documentID: "manual/a=b.pdf", place: 41, text: "é\n\nü", title: "Manual",
            position: DocumentPosition(page: 3, section: ["Setup", "Wiring"]),
            sections: [SectionStart(offset: 3, section: ["Setup", "Fuses"]), SectionStart(offset: 5, section: [])],
            source: "manual/a=b.pdf", mimeType: "application/pdf",
            metadata: ["year": "2024", "note": "x=y", "empty": ""]),
        CollectionPassage(
            documentID: "c", place: 1, text: "1\t2", title: "Costs", position: DocumentPosition(sheet: "Q1", rows: 2...40), source: "c.xlsx"
        ),
        CollectionPassage(
            documentID: "d", place: 2, text: "x", title: "T", position: DocumentPosition(slide: 9, lines: 7...7), source: "d"),
    ]

    @Test(arguments: passages) func passage_comesBackFromTheIndex(passage: CollectionPassage) {
        let document = PassageCollection.document(passage, version: "v1", vector: [1, 0])
        #expect(PassageCollection.passage(document) == passage)
        #expect(document.id == "\(passage.documentID)#\(passage.place)" && document.vector == [1, 0])
    }

    @Test(arguments: [(0, ["Setup", "Wiring"]), (2, ["Setup", "Wiring"]), (3, ["Setup", "Fuses"]), (5, [])])
    func placeInAPassage_isInTheSectionThatHasBegun(offset: Int, section: [String]) {
        #expect(PassageCollection.position(in: Self.passages[1], at: offset) == DocumentPosition(page: 3, section: section))
    }

    @Test func documentOfAnotherLayout_isNone() {
        #expect(PassageCollection.passage(SearchDocument(id: "x", fields: ["text": "only"])) == nil)
    }
}
