import Millrace

/// The model that the handler `relay` asks: an OpenAI-compatible server at `url`, such as `http://127.0.0.1:8001/v1`.
///
/// - Returns: `nil` in a build without a client for such servers; the contenders that need one then say that they are not built.
func relayModel(url: String) -> (any LanguageModel)? {
    nil
}
