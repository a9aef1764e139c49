/// Leaves an endpoint alone that fails too often. A pure machine.
///
/// It works as resilience4j's `CircuitBreaker` with a count-based sliding window: a closed circuit opens when the window holds `minimumCalls`
/// outcomes and the share of failures reaches `failureRate`; an open one lets `probes` calls through once `openWait` has passed; the half-open
/// one opens again or closes by the same rate of its probes, here as soon as their result is certain.
struct CircuitBreaker: Equatable, Sendable {
    enum State: Equatable {
        case closed
        /// Until that moment of the monotonic clock, in nanoseconds.
        case open(until: Int64)
        case halfOpen
    }

    /// A call that was let through. It reports one outcome, which can turn from success to failure later, or none.
    struct Call: Equatable, Sendable {
        fileprivate enum Report: Equatable {
            case none
            case success(OutcomeWindow.Position?)
            case failure
        }
        /// Which period of the circuit let it through, or its outcome was recorded in.
        fileprivate var period: Int
        fileprivate var report = Report.none
    }

    enum Arrival: Equatable {
        case admitted(Call)
        /// How long the caller may wait before it asks again.
        case refused(retryAfterNanoseconds: Int64)
    }

    private let settings: HTTPPolicySettings.Breaker
    private(set) var state = State.closed
    /// Counts the changes of state.
    private var period = 0
    private var window: OutcomeWindow
    private var probesAdmitted = 0
    private var probesSucceeded = 0
    private var probesFailed = 0

    /// What a caller is told that meets a half-open circuit whose probes are all out: their end cannot be foreseen.
    static let probeWaitNanoseconds: Int64 = 1_000_000_000

    init(_ settings: HTTPPolicySettings.Breaker) {
        self.settings = settings
        window = OutcomeWindow(size: settings.window)
    }

    /// How long a call would be refused, without counting as one; `nil` when it might be let through.
    func refusal(now: Int64) -> Int64? {
        switch state {
        case .closed: nil
        case .open(let until): now < until ? until - now : nil
        case .halfOpen: probesAdmitted < settings.probes ? nil : Self.probeWaitNanoseconds
        }
    }

    /// A call wants to go out.
    mutating func callArrived(now: Int64) -> Arrival {
        if let wait = refusal(now: now) { return .refused(retryAfterNanoseconds: wait) }
        if case .open = state { change(to: .halfOpen) }
        if state == .halfOpen { probesAdmitted += 1 }
        return .admitted(Call(period: period))
    }

    /// The endpoint has answered, and not with an error of its own.
    mutating func callSucceeded(_ call: inout Call) {
        guard call.report == .none else { return }
        call.report = .success(nil)
        switch state {
        case .closed:
            // However old the call is: its outcome is of now.
            call = Call(period: period, report: .success(window.record(failure: false)))
        case .halfOpen where call.period == period:
            probesSucceeded += 1
            if probesSucceeded > settings.probes - failedProbesToOpen { change(to: .closed) }
        case .open, .halfOpen: break
        }
    }

    /// The endpoint has failed: no response, one with a status of 500 or more, or one that broke off.
    mutating func callFailed(_ call: inout Call, now: Int64) {
        let before = call.report
        guard before != .failure else { return }
        call.report = .failure
        switch state {
        case .closed:
            if case .success(let position?) = before, call.period == period, window.correctToFailure(position) {
            } else {
                _ = window.record(failure: true)
            }
            if window.count >= settings.minimumCalls, Double(window.failures) >= settings.failureRate * Double(window.count) {
                open(now: now)
            }
        case .halfOpen where call.period == period:
            if before != .none { probesSucceeded -= 1 }
            probesFailed += 1
            if probesFailed >= failedProbesToOpen { open(now: now) }
        case .open, .halfOpen: break
        }
    }

    /// The call is over. One that reported no outcome (it was cancelled, or could not be sent) makes room for another probe.
    mutating func callEnded(_ call: Call) {
        if call.report == .none, state == .halfOpen, call.period == period { probesAdmitted -= 1 }
    }

    /// The least number of failed probes that reaches the rate.
    private var failedProbesToOpen: Int {
        min(max(1, Int((settings.failureRate * Double(settings.probes)).rounded(.up))), settings.probes)
    }

    private mutating func open(now: Int64) {
        let (until, overflow) = now.addingReportingOverflow(settings.openWait.clampedNanoseconds)
        change(to: .open(until: overflow ? .max : until))
    }

    private mutating func change(to new: State) {
        state = new
        period += 1
        window = OutcomeWindow(size: settings.window)
        probesAdmitted = 0
        probesSucceeded = 0
        probesFailed = 0
    }
}
