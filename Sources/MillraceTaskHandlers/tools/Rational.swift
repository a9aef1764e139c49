import MillraceCore

/// A fraction of whole numbers in lowest terms, of bounded length.
struct Rational: Equatable, Sendable {
    /// The longest numerator or denominator, in bits: some 300 digits.
    static let mostBits = 1024

    let numerator: BigInteger
    /// More than 0.
    let denominator: BigInteger

    private static let tooLong = MillraceError(.limitExceeded, "the result, or what is on the way to it, has too many digits")
    private static let divisionByZero = MillraceError(.invalidInput, "there is a division by zero")

    init(_ value: BigInteger) throws(MillraceError) { try self.init(value, BigInteger(1)) }

    /// - Throws: ``MillraceError`` for the denominator 0, and for numbers that are too long.
    init(_ numerator: BigInteger, _ denominator: BigInteger) throws(MillraceError) {
        guard !denominator.isZero else { throw Self.divisionByZero }
        let divisor = BigInteger.greatestCommonDivisor(numerator, denominator)
        let sign = denominator.isNegative ? BigInteger(-1) : BigInteger(1)
        self.numerator = (numerator * sign).dividedDown(by: divisor).quotient
        self.denominator = (denominator * sign).dividedDown(by: divisor).quotient
        guard self.numerator.bitWidth <= Self.mostBits, self.denominator.bitWidth <= Self.mostBits else { throw Self.tooLong }
    }

    var isWhole: Bool { denominator == BigInteger(1) }
    var isNegative: Bool { numerator.isNegative }

    func adding(_ other: Rational) throws(MillraceError) -> Rational {
        try Rational(numerator * other.denominator + other.numerator * denominator, denominator * other.denominator)
    }

    func subtracting(_ other: Rational) throws(MillraceError) -> Rational { try adding(other.negated()) }

    func multiplied(by other: Rational) throws(MillraceError) -> Rational {
        try Rational(numerator * other.numerator, denominator * other.denominator)
    }

    func divided(by other: Rational) throws(MillraceError) -> Rational {
        try Rational(numerator * other.denominator, denominator * other.numerator)
    }

    func negated() throws(MillraceError) -> Rational { try Rational(-numerator, denominator) }

    /// The greatest whole number that is not above it.
    var floor: BigInteger { numerator.dividedDown(by: denominator).quotient }

    /// What a division that is rounded down leaves: it has the divisor's sign.
    func remainder(of other: Rational) throws(MillraceError) -> Rational {
        try subtracting(other.multiplied(by: Rational(divided(by: other).floor)))
    }

    func isLess(than other: Rational) -> Bool { numerator * other.denominator < other.numerator * denominator }

    /// The power of a whole exponent.
    func power(_ exponent: Rational) throws(MillraceError) -> Rational {
        guard exponent.isWhole, let count = exponent.numerator.small, count.magnitude <= 100_000 else {
            throw MillraceError(.invalidInput, "an exponent must be a whole number from -100000 to 100000")
        }
        if count < 0 { return try Rational(denominator, numerator).power(Rational(BigInteger(-count))) }
        var result = try Rational(BigInteger(1))
        var square = self
        var left = count
        while left > 0 {
            if left & 1 == 1 { result = try result.multiplied(by: square) }
            left >>= 1
            if left > 0 { square = try square.multiplied(by: square) }
        }
        return result
    }

    /// Rounded to a number of decimal places, halves away from zero.
    func rounded(places: Int) throws(MillraceError) -> Rational {
        let scale = try Rational(BigInteger(10)).power(Rational(BigInteger(places)))
        let scaled = try multiplied(by: scale)
        let half = try Rational(BigInteger(1), BigInteger(2))
        let magnitude = try Rational(scaled.numerator.magnitude, scaled.denominator).adding(half).floor
        return try Rational(isNegative ? -magnitude : magnitude).divided(by: scale)
    }

    // MARK: Text

    /// The exact decimal; `nil`: there is none, since the denominator has other factors than 2 and 5.
    var decimal: String? {
        var rest = denominator
        var places = 0
        for factor in [2, 5] {
            var count = 0
            while true {
                let (quotient, remainder) = rest.dividedDown(by: BigInteger(factor))
                guard remainder.isZero, !rest.isZero, rest != BigInteger(1) else { break }
                rest = quotient
                count += 1
            }
            places = max(places, count)
        }
        return rest == BigInteger(1) ? text(places: places) : nil
    }

    /// The nearest decimal with that many significant digits.
    func approximation(digits: Int) throws(MillraceError) -> String {
        // Where the first digit stands, to within one: a bit is log10(2) of a digit.
        let bits = numerator.bitWidth - denominator.bitWidth
        let places = max(digits - bits * 30103 / 100_000, 0)
        return try rounded(places: places).text(places: places)
    }

    /// - Parameter places: enough for all of it.
    private func text(places: Int) -> String {
        var scale = BigInteger(1)
        for _ in 0..<places { scale = scale * BigInteger(10) }
        var digits = (numerator.magnitude * scale).dividedDown(by: denominator).quotient.digits
        if places > 0 {
            digits = String(repeating: "0", count: max(places + 1 - digits.utf8.count, 0)) + digits
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -places))
            while digits.last == "0" { digits.removeLast() }
            if digits.last == "." { digits.removeLast() }
        }
        return (isNegative ? "-" : "") + digits
    }

    /// `1/3`.
    var fraction: String { "\(isNegative ? "-" : "")\(numerator.digits)/\(denominator.digits)" }
}
