import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct LocalLanguageModelTests {
    @Test(arguments: [
        ("When does the lease begin?", "The lease begins on 1 May 2025 and runs for three years."),
        ("How much is the monthly rent?", "The monthly rent is 1,240 euros."),
        ("When is the rent due?", "It is due on the third working day of each month and is paid by bank transfer."),
        ("What deposit has to be paid?", "Before the keys are handed over the tenant pays a deposit of 3,720 euros."),
        ("Is smoking allowed in the stairwell?", "Smoking is forbidden in the\nstairwell."),
        ("Can I sublet?", "The tenant must not sublet it without written consent."),
        ("Who looks after the heating?", "Mr. Aldous Pike of Pike & Sons Ltd. looks after the heating; he can be reached at 555-0142."),
        ("What late fee may be charged?", "If a payment is more than ten days late,\nthe landlord may charge a late fee of 25 euros."),
        ("How many bedrooms are there?", "It has two bedrooms, a kitchen, a\nbathroom and a balcony, 64.5 square metres in all."),
        ("Which court decides?", "If mediation fails within 60 days, the district court of\nLower Harrow decides."),
        ("Within how many days must defects be reported?", "Defects must be reported to the landlord\nwithin three days."),
        ("May the landlord enter the flat?", "The landlord may enter the flat after giving 24 hours' notice."),
        (
            "How must notice of termination be given?",
            "Notice of termination must be given in writing and signed by hand."
        ),
        (
            "Which small repairs does the tenant bear?",
            "The tenant bears small repairs up to 90 euros each and at most 300 euros a year."
        ),
        (
            "What liability insurance is needed?",
            "The tenant insures his own furniture and takes out liability\ninsurance for at least one million euros."
        ),
        ("Where is the storage room?", "A storage room in the cellar, marked no. 7, belongs to the flat."),
        (
            "Who is the landlord?",
            "This contract is made on 14 March 2025 between Marta Oldeburg, retired teacher, of 8 Mill Lane, Harrow Ferry (the landlord), and\nTobias Renn, carpenter, of 21 Quay Street, Harrow Ferry (the tenant)."
        ),
        ("When does it end?", "It ends on 30 April 2028 without notice being needed."),
        ("What about venomous animals?", "Venomous animals are not allowed."),
        (
            "When can damage costs be withheld?",
            "Costs of damage that the tenant caused may be withheld, e.g. for a\nbroken window, if they are shown by receipts."
        ),
    ])
    func questionOnContract_firstQuoteAnswersIt(question: String, expected: String) async throws {
        let streamed = try await run(ask(question, documents: lease))
        #expect(streamed.citations.first?.text == expected)
        try expectVerbatim(streamed, sources: ["doc_1": Lease.text])
        #expect((1...4).contains(streamed.citations.count))
        #expect(streamed.response?.stopReason == .endTurn)
    }

    /// Every citation's text stands in the answer in quotation marks, right before the event, and in the source in the block that it names.
    private func expectVerbatim(_ streamed: Streamed, sources: [String: String]) throws {
        var before = ""
        for event in streamed.events {
            switch event {
            case .text(let text): before += text
            case .citation(let citation):
                let source = try #require(sources[citation.documentID])
                let section = try #require(citation.section)
                let number = try #require(section.split(separator: " ").last.flatMap { Int($0) })
                let blocks = blocksOf(source)
                #expect(blocks.indices.contains(number - 1))
                let last = min(number + 1, blocks.count)
                #expect(
                    blocks[number - 1..<last].joined(separator: "\n\n").contains(citation.text),
                    "\(citation.text) is not in block \(number)")
                let reference = try #require(citation.referenceNumber)
                let title = try #require(citation.documentTitle)
                #expect(before.hasSuffix("“\(citation.text)” — \(title), paragraph \(number) [\(reference)]"))
            default: break
            }
        }
    }

    private func blocksOf(_ text: String) -> [String] {
        var blocks: [String] = []
        var current: [Substring] = []
        for line in (text + "\n").split(separator: "\n", omittingEmptySubsequences: false) {
            if !line.isEmpty {
                current.append(line)
            } else if !current.isEmpty {
                blocks.append(current.joined(separator: "\n"))
                current = []
            }
        }
        return blocks
    }

    @Test func announcingLine_isQuotedWithItsList() async throws {
        let streamed = try await run(ask("Are pets allowed?", documents: lease))
        let quote = try #require(streamed.citations.first?.text)
        #expect(quote.hasPrefix("Pets are allowed with these exceptions:"))
        #expect(quote.hasSuffix("Venomous animals are not allowed."))
        #expect(Lease.text.contains(quote))
    }

    @Test(arguments: [
        "What is the parking space like?", "Does it mention a swimming pool?", "Has the garden a tenant?", "Who painted the Mona Lisa?",
    ])
    func nothingRelevant_saysWhatItLookedFor(question: String) async throws {
        let streamed = try await run(ask(question, documents: lease))
        #expect(streamed.citations.isEmpty)
        let wanted = try #require(Question(question).terms.first)
        #expect(streamed.text.contains("“\(wanted.surface)”"))
        #expect(streamed.text.contains("1 source (lease.txt, "))
    }

    @Test func termThatNoSourceHas_isNamed() async throws {
        let streamed = try await run(ask("What deposit and parking is there?", documents: lease))
        #expect(!streamed.citations.isEmpty)
        #expect(streamed.text.contains("Nothing that I was given mentions “parking”."))
    }

    @Test func nothingGiven_saysWhatItIs() async throws {
        let streamed = try await run(ask("Hello!"))
        #expect(streamed.text.contains("embedded model"))
        #expect(streamed.text.contains("Attach a text"))
        #expect(streamed.citations.isEmpty)
        let other = try await run(ask("What is the capital of Peru?"))
        #expect(other.text.contains("“capital” and “peru”"))
    }

    @Test func emptyRequest_saysWhatItIs() async throws {
        let streamed = try await run(ModelRequest(turns: []))
        #expect(streamed.text.contains("embedded model"))
    }

    @Test func questionInChinese_isAnswered() async throws {
        let text = "本合同自五月一日起生效。每月租金为一千元。押金为三千元。"
        let streamed = try await run(ask("押金是多少？", documents: [ModelDocument(id: "doc_1", title: "租约", text: text)]))
        #expect(streamed.citations.map(\.text) == ["押金为三千元。"])
    }

    @Test func binaryAttachment_isNamedAsUnreadable() async throws {
        let picture = Attachment(data: [0xFF, 0xD8, 0xFF], mimeType: "image/jpeg", title: "scan.jpg")
        let turn = ModelRequest.Turn(role: .user, parts: [.image(picture), .text("What does the scan say?")])
        let streamed = try await run(ModelRequest(turns: [turn]))
        #expect(streamed.text.contains("I cannot read scan.jpg (image/jpeg)"))
        #expect(streamed.citations.isEmpty)
    }

    @Test func textAttachmentInTurn_isQuoted() async throws {
        let note = Attachment(data: Array("The boat leaves at noon. Bring a coat.".utf8), mimeType: "text/plain", title: "note.txt")
        let turn = ModelRequest.Turn(role: .user, parts: [.document(note), .text("When does the boat leave?")])
        let streamed = try await run(ModelRequest(turns: [turn]))
        #expect(streamed.citations.map(\.text) == ["The boat leaves at noon."])
        #expect(streamed.citations.first?.documentID == "turn_1_attachment_1")
        #expect(streamed.text.contains("“The boat leaves at noon.” — note.txt, paragraph 1 [1]"))
    }

    @Test func partOfADocument_isCitedByItsPlace() async throws {
        let part = ModelDocument(id: "1", title: "log.pdf", text: "The boat leaves at noon. Bring a coat.", place: "page 7")
        let streamed = try await run(ask("When does the boat leave?", documents: [part]))
        #expect(streamed.text.contains("“The boat leaves at noon.” — log.pdf, page 7 [1]"))
        #expect(streamed.citations.map(\.section) == ["page 7"])
    }

    @Test func attachmentGivenAsDocumentToo_isQuotedOnce() async throws {
        let text = "The boat leaves at noon. Bring a coat."
        let turn = ModelRequest.Turn(
            role: .user, parts: [.document(Attachment(data: Array(text.utf8), title: "note.txt")), .text("When does the boat leave?")])
        let streamed = try await run(ModelRequest(turns: [turn], documents: [ModelDocument(id: "doc_1", title: "note.txt", text: text)]))
        #expect(streamed.citations.map(\.documentID) == ["doc_1"])
    }

    @Test func sameRequest_sameAnswer() async throws {
        let request = ask("What does the contract say about notice and payments?", documents: lease)
        #expect(try await run(request) == run(request))
    }

    @Test func outputSchema_isRefused() async throws {
        var request = ask("Hello")
        request.outputSchema = ["type": "object"]
        await #expect { try await run(request) } throws: { ($0 as? MillraceError)?.code == .modelError }
    }
}
