import Millrace
import MillraceCore
import MillraceDatabase

/// Searches by words.
extension SQLiteSearchReading {
    /// A search by words, and the phrases to mark in what it finds.
    func plan(_ text: SearchQuery.Text) throws(MillraceError) -> TextPlan {
        let analysis = SearchAnalysis(fullText: try session.fullText())
        return try TextPlan(text, definition) { (text, kind) throws(MillraceError) in try analysis.words(text, kind) }
    }

    /// The best rows, and how many match.
    func rows(_ plan: TextPlan, _ filter: RowSet?, limit: Int) throws(MillraceError) -> (best: [ScoredRow], total: Int) {
        var found: [ScoredRow] = []
        switch plan.match {
        case .nothing: break
        case .rows(let rows):
            try scan(plan, rows, filter) { row, weights in
                if let score = TextPlan.score(plan.root, weights) { found.append(ScoredRow(row: row, score: score)) }
            }
        case .allBut(let excluded):
            var left: RowSet
            if let filter { left = filter } else { left = try allRows() }
            if let excluded {
                var rows = RowSet()
                try scan(plan, excluded, left) { row, _ in rows.insert(row) }
                left.subtract(rows)
            }
            // Rows without any of the phrases all score the same; the others may have some of what is wished for.
            let common = TextPlan.score(plan.root, Array(repeating: 0, count: plan.phrases.count)) ?? 1
            var scores: [Int64: Double] = [:]
            if let phrases = plan.anyPhrase {
                try scan(plan, phrases, left) { row, weights in scores[row] = TextPlan.score(plan.root, weights) }
            }
            left.forEach { row in found.append(ScoredRow(row: row, score: scores[row] ?? common)) }
        }
        return (try best(found, limit: limit), found.count)
    }

    /// The best of many rows, in order.
    func best(_ rows: [ScoredRow], limit: Int) throws(MillraceError) -> [ScoredRow] {
        var best = BestRows(limit: limit) { (row) throws(MillraceError) in try id(row) }
        for (place, row) in rows.enumerated() {
            if place & 0xFFF == 0xFFF { try cancellation.check() }
            try best.insert(row)
        }
        return try best.sorted()
    }

    /// Calls `visit` with each row of an expression and what each phrase of the plan adds to its score.
    ///
    /// The weight of a phrase is Okapi BM25 (k1 1.2, b 0.75) with its own field as the text and the field's boost as a factor.
    private func scan(
        _ plan: TextPlan, _ expression: TextPlan.Expression, _ filter: RowSet?, _ visit: (Int64, [Double]) -> Void
    ) throws(MillraceError) {
        let (text, order) = plan.text(expression)
        let bm25 = BM25()
        var weights = Array(repeating: 0.0, count: plan.phrases.count)
        var inverses: [Double] = []
        try session.fullText().scan(
            tables.words, text, on: session, isWanted: { filter?.contains($0) ?? true },
            check: { () throws(MillraceError) in try cancellation.check() }
        ) { row in
            if inverses.isEmpty {
                inverses = row.statistics.rowsWithPhrase.map { BM25.inverseFrequency(containing: $0, of: row.statistics.rowCount) }
            }
            for index in weights.indices { weights[index] = 0 }
            for (place, number) in order.enumerated() where row.counts[place] > 0 {
                let phrase = plan.phrases[number]
                weights[number] =
                    phrase.boost
                    * bm25.weight(
                        frequency: Double(row.counts[place]), length: Double(row.lengths[phrase.column]),
                        averageLength: row.statistics.averageLengths[phrase.column], inverseFrequency: inverses[place])
            }
            visit(row.row, weights)
        }
    }

    /// Passages of a document with what was found marked, by field.
    func highlights(
        _ document: SearchDocument, _ phrases: [TextPlan.Phrase], _ highlighter: Highlighter
    ) throws(MillraceError) -> [String: [String]] {
        let analysis = SearchAnalysis(fullText: try session.fullText())
        var highlights: [String: [String]] = [:]
        for (column, field) in definition.textFields.enumerated() {
            let wanted = phrases.filter { $0.column == column }.map(\.terms)
            guard !wanted.isEmpty, highlighter.wish.fields.isEmpty || highlighter.wish.fields.contains(field.name),
                let text = document.fields[field.name]?.string
            else { continue }
            let passages = highlighter.passages(text, words: try analysis.words(text, field.analysis), phrases: wanted)
            if !passages.isEmpty { highlights[field.name] = passages }
        }
        return highlights
    }
}
