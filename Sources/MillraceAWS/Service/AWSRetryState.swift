/// What is done about the refusals of one call, where a new signature or a moment's wait helps. The transport repeats the others.
struct AWSRetryState: Equatable {
    enum Action: Equatable {
        /// The refusal is the answer.
        case fail
        /// With a signature of the corrected time.
        case signAnew
        /// With other credentials, if there are any.
        case renewCredentials
        /// After a random part of so many milliseconds.
        case wait(upToMilliseconds: Int)
    }

    /// Which refusals mean that the credentials are over.
    static let expired: Set = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"]

    private let most: Int
    private(set) var attempts = 1
    private var hasCorrected = false
    private var hasRenewed = false

    /// - Parameter most: how often the call is signed at most.
    init(most: Int) { self.most = most }

    /// - Parameters:
    ///   - correctsClock: whether the refusal has taught us the time.
    ///   - canResend: whether the body can be sent once more.
    mutating func refused(by error: AWSServiceError, correctsClock: Bool, canResend: Bool) -> Action {
        guard attempts < most, canResend else { return .fail }
        let action: Action
        if correctsClock, !hasCorrected {
            hasCorrected = true
            action = .signAnew
        } else if Self.expired.contains(error.code), !hasRenewed {
            hasRenewed = true
            action = .renewCredentials
        } else if error.isRetryable, error.status == 400 {
            action = .wait(upToMilliseconds: 100 << min(attempts, 6))
        } else {
            return .fail
        }
        attempts += 1
        return action
    }
}
