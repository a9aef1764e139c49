/// Kinds of personal data that are told by their format, and where there are any by their check digits.
public enum PersonalData: String, CaseIterable, Sendable {
    /// An address of electronic mail. Source of the format: RFC 5322, section 3.4.1, in the form that is used.
    case email
    /// A telephone number in international form, or with groups in a national one. Source: ITU-T E.164, E.123.
    case phone
    /// A payment card's number with its check digit. Source: ISO/IEC 7812-1 (Luhn's formula).
    case creditCard = "credit_card"
    /// An international bank account number with its check digits. Source: ISO 13616, ISO/IEC 7064 (MOD 97-10).
    case iban
    /// A social security number of the United States, as far as its groups can have been given out. Source: Social Security Administration.
    case usSocialSecurityNumber = "us_ssn"
    /// A German tax identification number with its check digit. Source: section 139b AO; ISO/IEC 7064 (MOD 11,10).
    case germanTaxID = "de_tax_id"
    /// An address of the Internet Protocol, version 4 or 6. Source: RFC 791; RFC 4291, section 2.2.
    case ipAddress = "ip_address"
    /// A hardware address of a network interface. Source: IEEE 802.
    case macAddress = "mac_address"
    /// A key of Amazon Web Services. Source: IAM's unique identifiers.
    case awsAccessKey = "aws_access_key"
    /// A JSON Web Token. Source: RFC 7519, RFC 7515.
    case jsonWebToken = "jwt"

    /// What stands for a match.
    var mask: String { "{\(rawValue.uppercased())}" }

    var pattern: String {
        switch self {
        case .email: #"\b[a-z0-9][a-z0-9._%+'\-]{0,63}@(?:[a-z0-9][a-z0-9\-]{0,62}\.){1,8}[a-z]{2,24}\b"#
        case .phone:
            #"(?:\+|\b00)[1-9][0-9]{0,2}(?:[ .\-/]?\(?[0-9]{1,5}\)?){2,6}\b|\(?\b[0-9]{3,5}\)?[ .\-/][0-9]{3,4}[ .\-/][0-9]{3,5}\b"#
        case .creditCard: #"\b[0-9](?:[ \-]?[0-9]){11,18}\b"#
        case .iban: #"\b[a-z]{2}[0-9]{2}(?: ?[a-z0-9]){11,30}\b"#
        case .usSocialSecurityNumber: #"\b[0-9]{3}[\- ][0-9]{2}[\- ][0-9]{4}\b"#
        case .germanTaxID: #"\b[1-9](?: ?[0-9]){10}\b"#
        case .ipAddress:
            #"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,7}(?::[0-9a-f]{1,4}){1,6}\b"#
        case .macAddress: #"\b[0-9a-f]{2}(?:[:\-][0-9a-f]{2}){5}\b"#
        case .awsAccessKey: #"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"#
        case .jsonWebToken: #"\beyJ[a-z0-9_\-]{8,300}\.[a-z0-9_\-]{8,300}\.[a-z0-9_\-]{8,300}"#
        }
    }

    /// Whether a text of the right format can be what it seems.
    func accepts(_ match: String) -> Bool {
        let digits = match.utf8.filter { (0x30...0x39).contains($0) }.map { Int($0 - 0x30) }
        switch self {
        case .phone: return (7...15).contains(digits.count)
        case .creditCard: return Self.luhn(digits) && Set(digits).count > 1
        case .iban: return Self.isIBAN(match.uppercased().filter { $0 != " " })
        case .usSocialSecurityNumber:
            let area = digits[0] * 100 + digits[1] * 10 + digits[2]
            return area != 0 && area != 666 && area < 900 && digits[3...4] != [0, 0] && digits[5...8] != [0, 0, 0, 0]
        case .germanTaxID: return Self.isGermanTaxID(digits)
        case .ipAddress:
            if match.contains(":") { return match.split(separator: ":").count <= 8 }
            return match.split(separator: ".").allSatisfy { (Int($0) ?? 256) <= 255 }
        default: return true
        }
    }

    static func luhn(_ digits: [Int]) -> Bool {
        var sum = 0
        for (index, digit) in digits.reversed().enumerated() {
            let doubled = index % 2 == 1 ? digit * 2 : digit
            sum += doubled > 9 ? doubled - 9 : doubled
        }
        return sum % 10 == 0
    }

    static func isIBAN(_ text: String) -> Bool {
        guard (15...34).contains(text.utf8.count) else { return false }
        var remainder = 0
        for byte in Array(text.utf8.dropFirst(4)) + text.utf8.prefix(4) {
            switch byte {
            case 0x30...0x39: remainder = (remainder * 10 + Int(byte - 0x30)) % 97
            case 0x41...0x5A: remainder = (remainder * 100 + Int(byte - 0x37)) % 97
            default: return false
            }
        }
        return remainder == 1
    }

    static func isGermanTaxID(_ digits: [Int]) -> Bool {
        guard digits.count == 11, digits[0] != 0 else { return false }
        // Of the first ten digits one occurs twice or three times, and at least one not at all.
        let counts = Dictionary(digits.prefix(10).map { ($0, 1) }, uniquingKeysWith: +).values
        guard counts.count == 8 || counts.count == 9, counts.max() == (counts.count == 9 ? 2 : 3) || counts.max() == 2 else { return false }
        var product = 10
        for digit in digits.prefix(10) {
            var sum = (digit + product) % 10
            if sum == 0 { sum = 10 }
            product = sum * 2 % 11
        }
        return (11 - product) % 10 == digits[10]
    }
}
