import Testing

/// All suites of this target, one test at a time: each starts servers, and two cores do not carry several of them beside timing tests.
@Suite(.serialized) enum IntegrationTests {}
