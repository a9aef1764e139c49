import Glibc

/// The Okapi BM25 weighting, with sentences as its documents.
///
/// S. Robertson, S. Walker, S. Jones, M. Hancock-Beaulieu, M. Gatford, "Okapi at TREC-3" (1994), on the probabilistic model of Robertson and
/// Spärck Jones (1976). The inverse frequency has one added inside the logarithm, so that a term in most sentences weighs little, not less than nothing.
struct BM25: Equatable, Sendable {
    /// How soon a repeated term stops adding.
    var k1 = 1.2
    /// How much a long sentence is discounted.
    var b = 0.75

    static func inverseFrequency(containing: Int, of total: Int) -> Double {
        log(1 + (Double(total - containing) + 0.5) / (Double(containing) + 0.5))
    }

    /// What one term adds to a sentence's score.
    /// - Parameters:
    ///   - frequency: how often the sentence has the term.
    ///   - length: the sentence's length in terms; `averageLength` likewise.
    ///   - inverseFrequency: what ``inverseFrequency(containing:of:)`` gives for the term.
    func weight(frequency: Double, length: Double, averageLength: Double, inverseFrequency: Double) -> Double {
        guard frequency > 0 else { return 0 }
        return inverseFrequency * frequency * (k1 + 1) / (frequency + k1 * (1 - b + b * length / averageLength))
    }
}
