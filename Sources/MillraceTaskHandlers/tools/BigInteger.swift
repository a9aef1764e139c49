/// A whole number of any length. A value, with the schoolbook's methods: numbers here are of some hundred digits.
struct BigInteger: Equatable, Sendable {
    /// The absolute value, the least significant limb first, without zeros at its end.
    private var limbs: [UInt32]
    private(set) var isNegative: Bool

    private init(_ limbs: [UInt32], isNegative: Bool) {
        var limbs = limbs
        while limbs.last == 0 { limbs.removeLast() }
        self.limbs = limbs
        self.isNegative = isNegative && !limbs.isEmpty
    }

    init(_ value: Int) {
        let magnitude = value.magnitude
        self.init([UInt32(truncatingIfNeeded: magnitude), UInt32(truncatingIfNeeded: magnitude >> 32)], isNegative: value < 0)
    }

    /// - Parameter digits: ASCII digits.
    init(digits: some Sequence<UInt8>) {
        var limbs: [UInt32] = []
        for digit in digits { Self.multiply(&limbs, by: 10, adding: UInt32(digit &- 0x30)) }
        self.init(limbs, isNegative: false)
    }

    var isZero: Bool { limbs.isEmpty }
    /// How many bits the absolute value has.
    var bitWidth: Int { limbs.last.map { limbs.count * 32 - $0.leadingZeroBitCount } ?? 0 }
    var magnitude: BigInteger { BigInteger(limbs, isNegative: false) }
    /// The value, where it fits.
    var small: Int? {
        guard limbs.count <= 1 else { return nil }
        let value = Int(limbs.first ?? 0)
        return isNegative ? -value : value
    }

    static prefix func - (value: BigInteger) -> BigInteger { BigInteger(value.limbs, isNegative: !value.isNegative) }

    static func + (left: BigInteger, right: BigInteger) -> BigInteger {
        if left.isNegative == right.isNegative { return BigInteger(add(left.limbs, right.limbs), isNegative: left.isNegative) }
        return isLess(left.limbs, right.limbs)
            ? BigInteger(subtract(right.limbs, left.limbs), isNegative: right.isNegative)
            : BigInteger(subtract(left.limbs, right.limbs), isNegative: left.isNegative)
    }

    static func - (left: BigInteger, right: BigInteger) -> BigInteger { left + -right }

    static func * (left: BigInteger, right: BigInteger) -> BigInteger {
        var product = [UInt32](repeating: 0, count: left.limbs.count + right.limbs.count)
        for (i, a) in left.limbs.enumerated() {
            var carry: UInt64 = 0
            for (j, b) in right.limbs.enumerated() {
                let sum = UInt64(a) * UInt64(b) + UInt64(product[i + j]) + carry
                product[i + j] = UInt32(truncatingIfNeeded: sum)
                carry = sum >> 32
            }
            product[i + right.limbs.count] = UInt32(truncatingIfNeeded: carry)
        }
        return BigInteger(product, isNegative: left.isNegative != right.isNegative)
    }

    static func < (left: BigInteger, right: BigInteger) -> Bool { (left - right).isNegative }

    /// Quotient and remainder, the quotient rounded down: the remainder has the divisor's sign. The divisor is not 0.
    func dividedDown(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
        let (quotient, rest) = Self.divide(limbs, divisor.limbs)
        let whole = BigInteger(quotient, isNegative: isNegative != divisor.isNegative)
        let remainder = BigInteger(rest, isNegative: isNegative)
        guard !remainder.isZero, isNegative != divisor.isNegative else { return (whole, remainder) }
        return (whole - BigInteger(1), remainder + divisor)
    }

    /// The greatest common divisor of the absolute values, by Euclid.
    static func greatestCommonDivisor(_ left: BigInteger, _ right: BigInteger) -> BigInteger {
        var (a, b) = (left.limbs, right.limbs)
        while !b.isEmpty {
            var rest = divide(a, b).remainder
            while rest.last == 0 { rest.removeLast() }
            (a, b) = (b, rest)
        }
        return BigInteger(a, isNegative: false)
    }

    /// The digits of the absolute value.
    var digits: String {
        guard !isZero else { return "0" }
        var groups: [String] = []
        var rest = limbs
        while !rest.isEmpty {
            var remainder: UInt64 = 0
            for place in rest.indices.reversed() {
                let value = remainder << 32 | UInt64(rest[place])
                rest[place] = UInt32(value / 1_000_000_000)
                remainder = value % 1_000_000_000
            }
            while rest.last == 0 { rest.removeLast() }
            let group = "\(remainder)"
            groups.append(rest.isEmpty ? group : String(repeating: "0", count: 9 - group.count) + group)
        }
        return groups.reversed().joined()
    }

    // MARK: Limbs

    private static func multiply(_ limbs: inout [UInt32], by factor: UInt32, adding addend: UInt32) {
        var carry = UInt64(addend)
        for place in limbs.indices {
            let value = UInt64(limbs[place]) * UInt64(factor) + carry
            limbs[place] = UInt32(truncatingIfNeeded: value)
            carry = value >> 32
        }
        if carry > 0 { limbs.append(UInt32(carry)) }
    }

    private static func isLess(_ left: [UInt32], _ right: [UInt32]) -> Bool {
        if left.count != right.count { return left.count < right.count }
        for place in left.indices.reversed() where left[place] != right[place] { return left[place] < right[place] }
        return false
    }

    private static func add(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
        var sum: [UInt32] = []
        var carry: UInt64 = 0
        for place in 0..<max(left.count, right.count) {
            let value = (place < left.count ? UInt64(left[place]) : 0) + (place < right.count ? UInt64(right[place]) : 0) + carry
            sum.append(UInt32(truncatingIfNeeded: value))
            carry = value >> 32
        }
        if carry > 0 { sum.append(UInt32(carry)) }
        return sum
    }

    /// - Parameter right: not more than `left`.
    private static func subtract(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
        var difference = left
        var borrow: Int64 = 0
        for place in left.indices {
            var value = Int64(left[place]) - borrow - (place < right.count ? Int64(right[place]) : 0)
            borrow = value < 0 ? 1 : 0
            if value < 0 { value += 1 << 32 }
            difference[place] = UInt32(value)
        }
        return difference
    }

    /// Source: D. Knuth, "The Art of Computer Programming", volume 2, 4.3.1, algorithm D.
    private static func divide(_ left: [UInt32], _ right: [UInt32]) -> (quotient: [UInt32], remainder: [UInt32]) {
        guard !isLess(left, right) else { return ([], left) }
        if right.count == 1 {
            var quotient = left
            var rest: UInt64 = 0
            for place in left.indices.reversed() {
                let value = rest << 32 | UInt64(left[place])
                quotient[place] = UInt32(value / UInt64(right[0]))
                rest = value % UInt64(right[0])
            }
            return (quotient, [UInt32(rest)])
        }
        // The divisor's first bit is set, so that an estimate is at most two too high.
        let shift = right[right.count - 1].leadingZeroBitCount
        let divisor = shifted(right, by: shift)
        var rest = shifted(left, by: shift)
        if rest.count == left.count { rest.append(0) }
        let n = right.count
        var quotient = [UInt32](repeating: 0, count: rest.count - n)
        for j in quotient.indices.reversed() {
            let top = UInt64(rest[j + n]) << 32 | UInt64(rest[j + n - 1])
            var estimate = top / UInt64(divisor[n - 1])
            var left = top % UInt64(divisor[n - 1])
            while estimate >> 32 > 0 || estimate * UInt64(divisor[n - 2]) > left << 32 | UInt64(rest[j + n - 2]) {
                estimate -= 1
                left += UInt64(divisor[n - 1])
                if left >> 32 > 0 { break }
            }
            var borrow: Int64 = 0
            var carry: UInt64 = 0
            for i in 0..<n {
                let product = estimate * UInt64(divisor[i]) + carry
                carry = product >> 32
                let value = Int64(rest[i + j]) - borrow - Int64(UInt32(truncatingIfNeeded: product))
                rest[i + j] = UInt32(truncatingIfNeeded: value)
                borrow = value < 0 ? 1 : 0
            }
            let value = Int64(rest[j + n]) - borrow - Int64(carry)
            rest[j + n] = UInt32(truncatingIfNeeded: value)
            if value < 0 {
                estimate -= 1
                var carry: UInt64 = 0
                for i in 0..<n {
                    let sum = UInt64(rest[i + j]) + UInt64(divisor[i]) + carry
                    rest[i + j] = UInt32(truncatingIfNeeded: sum)
                    carry = sum >> 32
                }
                rest[j + n] = UInt32(truncatingIfNeeded: UInt64(rest[j + n]) + carry)
            }
            quotient[j] = UInt32(estimate)
        }
        var remainder = Array(rest[..<n])
        if shift > 0 {
            for place in remainder.indices {
                let above = place + 1 < n ? remainder[place + 1] << (32 - UInt32(shift)) : 0
                remainder[place] = remainder[place] >> UInt32(shift) | above
            }
        }
        return (quotient, remainder)
    }

    /// - Parameter shift: below 32.
    private static func shifted(_ limbs: [UInt32], by shift: Int) -> [UInt32] {
        var carry: UInt64 = 0
        var shifted = limbs.map { limb -> UInt32 in
            let value = UInt64(limb) << UInt64(shift) | carry
            carry = value >> 32
            return UInt32(truncatingIfNeeded: value)
        }
        if carry > 0 { shifted.append(UInt32(carry)) }
        return shifted
    }
}
