/// Words that say how a question is asked and not what it is about.
enum StopWords {
    /// English words without content of their own, question words and polite phrases among them.
    static let english: Set<String> = Set(
        """
        a about above after again all also am an and any anything are as asks at be because been before being below between both but by can could
        cannot cant did do does doesnt doing dont down during each else ever every few for from further had has have having he her here
        hers him his how i id if ill im in into is isnt it its itself ive just let lets like many may me might more most much must my myself
        no nor not of off on once only onto or other our ours out over own per please shall she should so some something than that
        thats the their theirs them then there theres these they this those through to too under until up upon us very was we were
        what whats when whens where wheres whether which while who whom whos whose why will with within without would you your yours
        tell give show say says said know find explain describe mention mentioned mentions according text document documents file
        question answer thing things want need okay ok yes well long old far big happen happens happened someone something anyone
        """.split { $0 == " " || $0 == "\n" }.map(String.init))
}
