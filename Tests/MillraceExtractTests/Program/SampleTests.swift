import MillraceCore
import MillraceCounterparts
import Testing

/// Documents of other people's tests, compared with what other people's readers find in them.
@Suite(.ownThreads) struct SampleTests {
    /// Why fewer of a file's words are found, or found in order: those that explain it, by the file's name.
    private static let explained: [String: Double] = [
        // Two cells are merged downwards: the reference repeats their text for each row.
        "tbl-cell-access.docx": 0.93,
        // No page but a template, whose "<" and ">" stand in its code.
        "layout.html": 0.5,
    ]

    /// What cannot be read, by the file's name, and as which error.
    private static let refused: [String: String] = [
        "crazyones-encrypted-256.pdf": "document_encrypted", "encrypted-file.pdf": "document_encrypted",
        "r2-user-password.pdf": "document_encrypted", "r3-user-password.pdf": "document_encrypted",
        "r4-aes-user-password.pdf": "document_encrypted", "r4-user-password.pdf": "document_encrypted",
        "r6-both-passwords.pdf": "document_encrypted", "r6-cleartext-metadata.pdf": "document_encrypted",
        "libreoffice-writer-password.pdf": "document_encrypted",
    ]

    @Test(arguments: [("docx", 48), ("pptx", 68), ("xlsx", 1), ("pdf", 72), ("html", 2)])
    func text_agreesWithOtherReaders(ending: String, count: Int) throws {
        guard var files = try Documents.samples(ending) else { return }
        #expect(files.count == count)
        if ending == "xlsx", let made = try Documents.made() { files.append(made + "/costs.xlsx") }
        for (file, expected) in try Documents.words(files) {
            let name = file.split(separator: "/").last.map(String.init) ?? file
            let run = try ExtractorRun(file: file, ["--ending", ending])
            if let code = Self.refused[name] {
                #expect(run.error == code, "\(name): \(run.message)")
                continue
            }
            guard case .success(let words) = expected else {
                Issue.record("\(name): the reference does not read it: \(expected)")
                continue
            }
            #expect(run.isRead, "\(name): \(run.message)")
            #expect(run.type == ending, "\(name)")
            let share = Self.share(of: words, in: run.text)
            #expect(share >= Self.explained[name] ?? 0.98, "\(name): \(share)")
        }
    }

    /// How many of the words stand in the text, in their order.
    private static func share(of words: [String], in text: String) -> Double {
        let found = text.split(whereSeparator: \.isWhitespace)
        var place = 0
        var count = 0
        for word in words {
            // A word that is missing must not make all that follow missing.
            guard let match = found[place...].prefix(3000).firstIndex(of: Substring(word)) else { continue }
            place = match + 1
            count += 1
        }
        return words.isEmpty ? 1 : Double(count) / Double(words.count)
    }

    @Test func cells_areFoundAtTheirRows() throws {
        guard let made = try Documents.made() else { return }
        let run = try ExtractorRun(file: made + "/costs.xlsx")
        let rows = run.text.split(separator: "\n")
        #expect(rows[0] == "name\tamount\tday\tshare\tis paid")
        #expect(rows[1] == "item 0\t0\t2024-01-01\t0\tTRUE")
        #expect(rows[151] == "item 150\t1050\t2024-05-30\t0.5\tTRUE")
        #expect(rows.suffix(2) == ["\t\tfar from the first cell with a second line", "12\ttab here"])
        #expect(run.pieces.last?["sheet"] == "Notes & more")
        #expect(run.pieces.last?["first"] == 7 && run.pieces.last?["last"] == 9)
        #expect(run.end?["pages"] == 3)
    }

    @Test func pages_areCounted_andEachIsItsOwnPlace() throws {
        guard let made = try Documents.made() else { return }
        let run = try ExtractorRun(file: made + "/pages.pdf")
        #expect(run.end?["pages"] == 500)
        #expect(run.pieces.compactMap { $0["page"]?.integer } == Array(1...500))
        for piece in run.pieces {
            let page = piece["page"]?.integer ?? 0
            #expect(piece["text"]?.string?.hasPrefix("Page \(page) says that the number of this page is \(page).") == true)
        }
    }
}
