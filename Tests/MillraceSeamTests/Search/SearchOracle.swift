import Glibc
import Millrace
import MillraceCore

/// Plain Okapi BM25 over documents in memory, as the textbook has it: the measure for ranks and scores.
struct SearchOracle {
    let fields: [SearchIndexDefinition.TextField]
    /// Each document's words by field; texts are lower-case words with spaces between them.
    var documents: [String: [String: [String]]] = [:]

    mutating func put(_ document: SearchDocument) {
        documents[document.id] = Dictionary(
            uniqueKeysWithValues: fields.map { ($0.name, (document.fields[$0.name]?.string ?? "").split(separator: " ").map(String.init)) })
    }

    /// The score of each document that has one of the words: the sum over words and fields.
    func scores(_ words: [String]) -> [String: Double] {
        var scores: [String: Double] = [:]
        let count = Double(documents.count)
        for field in fields {
            let average = documents.values.reduce(0.0) { $0 + Double($1[field.name]?.count ?? 0) } / count
            for word in words {
                let containing = Double(documents.values.count { $0[field.name]?.contains(word) == true })
                let inverse = log(1 + (count - containing + 0.5) / (containing + 0.5))
                for (id, texts) in documents {
                    let text = texts[field.name] ?? []
                    let frequency = Double(text.count { $0 == word })
                    guard frequency > 0 else { continue }
                    let norm = 1.2 * (1 - 0.75 + 0.75 * Double(text.count) / average)
                    scores[id, default: 0] += field.boost * inverse * frequency * 2.2 / (frequency + norm)
                }
            }
        }
        return scores
    }
}
