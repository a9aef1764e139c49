/// Dot products of vectors of 32-bit floats.
enum DotProduct {
    /// Four sums of eight lanes each: additions to one sum would wait for each other.
    private typealias Lanes = SIMD8<Float>
    private static let step = 32

    /// The sum of the products of `count` numbers. `b` need not be aligned, as a database's blob is not.
    static func simd(_ a: UnsafePointer<Float>, _ b: UnsafeRawPointer, count: Int) -> Float {
        let a = UnsafeRawPointer(a)
        var (sum0, sum1, sum2, sum3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var place = 0
        let width = 8 * MemoryLayout<Float>.stride
        while place &+ step <= count {
            let offset = place &* MemoryLayout<Float>.stride
            sum0 += a.loadUnaligned(fromByteOffset: offset, as: Lanes.self) * b.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            sum1 +=
                a.loadUnaligned(fromByteOffset: offset &+ width, as: Lanes.self)
                * b.loadUnaligned(fromByteOffset: offset &+ width, as: Lanes.self)
            sum2 +=
                a.loadUnaligned(fromByteOffset: offset &+ 2 &* width, as: Lanes.self)
                * b.loadUnaligned(fromByteOffset: offset &+ 2 &* width, as: Lanes.self)
            sum3 +=
                a.loadUnaligned(fromByteOffset: offset &+ 3 &* width, as: Lanes.self)
                * b.loadUnaligned(fromByteOffset: offset &+ 3 &* width, as: Lanes.self)
            place &+= step
        }
        while place &+ 8 <= count {
            let offset = place &* MemoryLayout<Float>.stride
            sum0 += a.loadUnaligned(fromByteOffset: offset, as: Lanes.self) * b.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            place &+= 8
        }
        return ((sum0 + sum1) + (sum2 + sum3)).sum() + scalar(a, b, from: place, count: count)
    }

    /// The same, one number after the other.
    static func scalar(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, from: Int = 0, count: Int) -> Float {
        var sum: Float = 0
        for place in from..<max(count, from) {
            let offset = place &* MemoryLayout<Float>.stride
            sum += a.loadUnaligned(fromByteOffset: offset, as: Float.self) * b.loadUnaligned(fromByteOffset: offset, as: Float.self)
        }
        return sum
    }
}
