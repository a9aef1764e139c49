import Millrace

/// A model whose references begin behind those of the answer before: several answers become one.
///
/// It is for models that number their quotes themselves, from 1 in each answer, and write the number as one piece of text: `[2]`.
struct RenumberedLanguageModel: LanguageModel {
    private let model: any LanguageModel
    private let citationsBefore: Int

    var id: String { model.id }
    var seesImages: Bool { model.seesImages }
    var capabilities: ModelCapabilities { model.capabilities }

    /// - Parameter citationsBefore: the number that the answer before ended with.
    init(_ model: any LanguageModel, citationsBefore: Int) {
        self.model = model
        self.citationsBefore = citationsBefore
    }

    func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
        try await model.generate(request) { event in
            switch event {
            case .text(let text): try await receive(.text(renumbered(text)))
            case .citation(var citation):
                citation.referenceNumber = citation.referenceNumber.map { $0 + citationsBefore }
                try await receive(.citation(citation))
            default: try await receive(event)
            }
        }
    }

    /// A text with each `[2]` in it raised.
    func renumbered(_ text: String) -> String {
        guard citationsBefore > 0, text.utf8.contains(UInt8(ascii: "[")) else { return text }
        var result = ""
        for (number, piece) in text.split(separator: "[", omittingEmptySubsequences: false).enumerated() {
            if number > 0 { result += "[" }
            let digits = piece.prefix { $0.isASCII && $0.isNumber }
            if number > 0, let reference = Int(digits), piece.dropFirst(digits.count).first == "]" {
                result += "\(reference + citationsBefore)" + piece.dropFirst(digits.count)
            } else {
                result += piece
            }
        }
        return result
    }
}
