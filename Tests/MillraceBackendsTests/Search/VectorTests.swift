import Testing

@testable import MillraceBackends

@Suite struct VectorTests {
    @Test func dotProduct_ofEveryLength_equalsTheScalarLoop_alsoUnaligned() {
        for count in 0...140 {
            let a = (0..<count).map { Float(($0 * 37) % 19) - 9 }
            let b = (0..<count).map { Float(($0 * 53) % 23) - 11 }
            // Small whole numbers: every order of additions gives the same.
            let expected = zip(a, b).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            var shifted = [UInt8](repeating: 0xFF, count: 1 + count * 4 + 4)
            b.withUnsafeBytes { bytes in for (index, byte) in bytes.enumerated() { shifted[index + 1] = byte } }
            a.withUnsafeBufferPointer { a in
                shifted.withUnsafeBytes { shifted in
                    guard let start = shifted.baseAddress else { return }
                    if let a = a.baseAddress {
                        #expect(DotProduct.simd(a, start + 1, count: count) == expected, "\(count)")
                        #expect(DotProduct.scalar(a, start + 1, count: count) == expected, "\(count)")
                    }
                }
            }
        }
    }

    @Test func unitVector_hasLengthOne_andIsRestored() {
        for vector: [Float] in [[3, 4], [-1e30, 1e30], [1e-30, 0], [0.1, 0.2, 0.3, -7]] {
            let unit = UnitVector(vector)
            #expect(abs(unit.values.reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
            for (back, value) in zip(UnitVector.restored(unit.values, length: unit.length), vector) {
                #expect(abs(back - value) <= abs(value) * 1e-6)
            }
        }
        #expect(UnitVector.score(ofCosine: 1.0000001) == 1 && UnitVector.score(ofCosine: -1.1) == 0 && UnitVector.score(ofCosine: 0) == 0.5)
    }

    @Test func matrix_underChanges_holdsWhatADictionaryHolds() {
        // Blocks of eight vectors.
        let dimensions = (1 << 18) / 8
        var matrix = VectorMatrix(dimensions: dimensions)
        var places: [Int64: Int] = [:]
        var model: [Int64: Float] = [:]
        var random = SystemRandomNumberGenerator()
        func vector(_ value: Float) -> [Float] { Array(repeating: value, count: dimensions) }
        for step in 0..<120 {
            let row = Int64.random(in: 0..<30, using: &random)
            if let place = places[row] {
                if Bool.random(using: &random) {
                    vector(Float(step)).withUnsafeBufferPointer { matrix.replace(at: place, $0) }
                    model[row] = Float(step)
                } else {
                    places[row] = nil
                    model[row] = nil
                    if let moved = matrix.remove(at: place) { places[moved] = place }
                }
            } else {
                places[row] = vector(Float(step)).withUnsafeBufferPointer { matrix.append(row, $0) }
                model[row] = Float(step)
            }
            var held: [Int64: Float] = [:]
            for block in matrix.blocks {
                #expect(block.values.count == block.rows.count * dimensions && block.rows.count <= 8)
                for (place, row) in block.rows.enumerated() { held[row] = block.values[place * dimensions] }
            }
            #expect(held == model && matrix.count == model.count, "after \(step)")
        }
    }

    @Test func snapshot_isNotChangedByLaterWrites() {
        var matrix = VectorMatrix(dimensions: 2)
        for row in 0..<5 { [Float(row), 1].withUnsafeBufferPointer { _ = matrix.append(Int64(row), $0) } }
        let snapshot = matrix
        _ = matrix.remove(at: 0)
        [9, 9].withUnsafeBufferPointer { matrix.replace(at: 1, $0) }
        #expect(snapshot.blocks[0].rows == [0, 1, 2, 3, 4] && snapshot.blocks[0].values == [0, 1, 1, 1, 2, 1, 3, 1, 4, 1])
        #expect(matrix.blocks[0].rows == [4, 1, 2, 3] && matrix.blocks[0].values == [4, 1, 9, 9, 2, 1, 3, 1])
    }
}
