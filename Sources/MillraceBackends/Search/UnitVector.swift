/// A vector of length one, with the length that it had.
///
/// The cosine of two vectors is the dot product of their unit vectors, so the lengths are divided out once, when a vector is written.
struct UnitVector: Equatable, Sendable {
    let values: [Float]
    let length: Double

    /// - Parameter vector: finite and not zero.
    init(_ vector: [Float]) {
        // In double precision: the squares of large floats overflow and those of small ones vanish.
        let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        self.length = length
        values = vector.map { Float(Double($0) / length) }
    }

    /// The vector as it was, to within rounding.
    static func restored(_ values: [Float], length: Double) -> [Float] { values.map { Float(Double($0) * length) } }

    /// The score of a search by meaning.
    static func score(ofCosine cosine: Float) -> Double { (1 + Double(min(max(cosine, -1), 1))) / 2 }
}
