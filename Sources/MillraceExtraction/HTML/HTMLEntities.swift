/// The names that character references have (HTML Living Standard, section 13.5): those of HTML 4, and of the later ones the ones that texts use.
enum HTMLEntities {
    /// The text that a name stands for.
    static let named: [String: String] = [
        "AElig": "Æ", "AMP": "&", "Aacute": "Á", "Abreve": "Ă", "Acirc": "Â", "Agrave": "À", "Alpha": "Α", "Amacr": "Ā", "Aogon": "Ą",
        "Aring": "Å", "Atilde": "Ã", "Auml": "Ä", "Beta": "Β", "COPY": "©", "Cacute": "Ć", "Ccaron": "Č", "Ccedil": "Ç", "Chi": "Χ",
        "CloseCurlyDoubleQuote": "”", "CloseCurlyQuote": "’", "Dagger": "‡", "Dcaron": "Ď", "Delta": "Δ", "Dstrok": "Đ", "ETH": "Ð",
        "Eacute": "É", "Ecaron": "Ě", "Ecirc": "Ê", "Egrave": "È", "Emacr": "Ē", "Eogon": "Ę", "Epsilon": "Ε", "Eta": "Η", "Euml": "Ë",
        "GT": ">", "Gamma": "Γ", "Gbreve": "Ğ", "Hacek": "ˇ", "Hat": "^", "Iacute": "Í", "Icirc": "Î", "Idot": "İ", "Igrave": "Ì",
        "Imacr": "Ī", "Iota": "Ι", "Iuml": "Ï", "Kappa": "Κ", "LT": "<", "Lambda": "Λ", "Lstrok": "Ł", "Mu": "Μ", "Nacute": "Ń",
        "Ncaron": "Ň", "NewLine": "\u{A}", "NoBreak": "\u{2060}", "Ntilde": "Ñ", "Nu": "Ν", "OElig": "Œ", "Oacute": "Ó", "Ocirc": "Ô",
        "Odblac": "Ő", "Ograve": "Ò", "Omacr": "Ō", "Omega": "Ω", "Omicron": "Ο", "OpenCurlyDoubleQuote": "“", "OpenCurlyQuote": "‘",
        "Oslash": "Ø", "Otilde": "Õ", "Ouml": "Ö", "Phi": "Φ", "Pi": "Π", "Prime": "″", "Psi": "Ψ", "QUOT": "\"", "REG": "®",
        "Rcaron": "Ř", "Rho": "Ρ", "Sacute": "Ś", "Scaron": "Š", "Scedil": "Ş", "Sigma": "Σ", "THORN": "Þ", "Tab": "\u{9}", "Tau": "Τ",
        "Tcaron": "Ť", "Tcedil": "Ţ", "Theta": "Θ", "Uacute": "Ú", "Ucirc": "Û", "Udblac": "Ű", "Ugrave": "Ù", "Umacr": "Ū",
        "Upsilon": "Υ", "Uring": "Ů", "Uuml": "Ü", "VerticalLine": "|", "Xi": "Ξ", "Yacute": "Ý", "Yuml": "Ÿ", "Zacute": "Ź",
        "Zcaron": "Ž", "Zdot": "Ż", "ZeroWidthSpace": "\u{200B}", "Zeta": "Ζ", "aacute": "á", "abreve": "ă", "acirc": "â", "acute": "´",
        "aelig": "æ", "agrave": "à", "alefsym": "ℵ", "alpha": "α", "amacr": "ā", "amp": "&", "and": "∧", "ang": "∠", "angst": "Å",
        "aogon": "ą", "ap": "≈", "apos": "'", "approx": "≈", "aring": "å", "ast": "*", "asymp": "≈", "atilde": "ã", "auml": "ä",
        "bdquo": "„", "beta": "β", "bigstar": "★", "blacksquare": "▪", "breve": "˘", "brvbar": "¦", "bsol": "\\", "bull": "•",
        "bullet": "•", "cacute": "ć", "cap": "∩", "caron": "ˇ", "ccaron": "č", "ccedil": "ç", "cedil": "¸", "cent": "¢",
        "centerdot": "·", "check": "✓", "checkmark": "✓", "chi": "χ", "circ": "ˆ", "circledR": "®", "clubs": "♣", "colon": ":",
        "comma": ",", "commat": "@", "cong": "≅", "copy": "©", "copysr": "℗", "crarr": "↵", "cross": "✗", "cup": "∪", "curren": "¤",
        "dArr": "⇓", "dagger": "†", "darr": "↓", "dash": "‐", "dblac": "˝", "dcaron": "ď", "deg": "°", "delta": "δ", "diams": "♦",
        "div": "÷", "divide": "÷", "dollar": "$", "dot": "˙", "dstrok": "đ", "eacute": "é", "ecaron": "ě", "ecirc": "ê", "egrave": "è",
        "ell": "ℓ", "emacr": "ē", "empty": "∅", "emsp": "\u{2003}", "emsp13": "\u{2004}", "emsp14": "\u{2005}", "ensp": "\u{2002}",
        "eogon": "ę", "epsilon": "ε", "equals": "=", "equiv": "≡", "eta": "η", "eth": "ð", "euml": "ë", "euro": "€", "excl": "!",
        "exist": "∃", "female": "♀", "ffilig": "ﬃ", "fflig": "ﬀ", "ffllig": "ﬄ", "filig": "ﬁ", "flat": "♭", "fllig": "ﬂ", "fnof": "ƒ",
        "forall": "∀", "frac12": "½", "frac13": "⅓", "frac14": "¼", "frac15": "⅕", "frac16": "⅙", "frac18": "⅛", "frac23": "⅔",
        "frac25": "⅖", "frac34": "¾", "frac35": "⅗", "frac38": "⅜", "frac45": "⅘", "frac56": "⅚", "frac58": "⅝", "frac78": "⅞",
        "frasl": "⁄", "gamma": "γ", "gbreve": "ğ", "ge": "≥", "geq": "≥", "grave": "`", "gt": ">", "hArr": "⇔", "hairsp": "\u{200A}",
        "half": "½", "harr": "↔", "hearts": "♥", "hellip": "…", "horbar": "―", "hyphen": "‐", "iacute": "í", "icirc": "î", "iexcl": "¡",
        "igrave": "ì", "imacr": "ī", "image": "ℑ", "imath": "ı", "infin": "∞", "inodot": "ı", "int": "∫", "iota": "ι", "iquest": "¿",
        "isin": "∈", "iuml": "ï", "kappa": "κ", "lArr": "⇐", "lambda": "λ", "lang": "〈", "laquo": "«", "larr": "←", "lbrace": "{",
        "lbrack": "[", "lceil": "⌈", "lcub": "{", "ldquo": "“", "ldquor": "„", "le": "≤", "leq": "≤", "lfloor": "⌊", "lowast": "∗",
        "lowbar": "_", "loz": "◊", "lozf": "⧫", "lpar": "(", "lrm": "\u{200E}", "lsaquo": "‹", "lsqb": "[", "lsquo": "‘", "lsquor": "‚",
        "lstrok": "ł", "lt": "<", "macr": "¯", "male": "♂", "mdash": "—", "mho": "℧", "micro": "µ", "midast": "*", "middot": "·",
        "minus": "−", "mldr": "…", "mp": "∓", "mu": "μ", "nabla": "∇", "nacute": "ń", "natur": "♮", "natural": "♮", "nbsp": "\u{A0}",
        "ncaron": "ň", "ndash": "–", "ne": "≠", "ni": "∋", "nldr": "‥", "not": "¬", "notin": "∉", "nsub": "⊄", "ntilde": "ñ", "nu": "ν",
        "num": "#", "numero": "№", "numsp": "\u{2007}", "oacute": "ó", "ocirc": "ô", "odblac": "ő", "oelig": "œ", "ogon": "˛",
        "ograve": "ò", "ohm": "Ω", "oline": "‾", "omacr": "ō", "omega": "ω", "omicron": "ο", "oplus": "⊕", "or": "∨", "ordf": "ª",
        "ordm": "º", "oslash": "ø", "otilde": "õ", "otimes": "⊗", "ouml": "ö", "para": "¶", "part": "∂", "percnt": "%", "period": ".",
        "permil": "‰", "perp": "⊥", "phi": "φ", "phone": "☎", "pi": "π", "piv": "ϖ", "plus": "+", "plusmn": "±", "pm": "±", "pound": "£",
        "prime": "′", "prod": "∏", "prop": "∝", "psi": "ψ", "puncsp": "\u{2008}", "quest": "?", "quot": "\"", "rArr": "⇒", "radic": "√",
        "rang": "〉", "raquo": "»", "rarr": "→", "rbrace": "}", "rbrack": "]", "rcaron": "ř", "rceil": "⌉", "rcub": "}", "rdquo": "”",
        "rdquor": "”", "real": "ℜ", "reg": "®", "rfloor": "⌋", "rho": "ρ", "ring": "˚", "rlm": "\u{200F}", "rpar": ")", "rsaquo": "›",
        "rsqb": "]", "rsquo": "’", "rsquor": "’", "sacute": "ś", "sbquo": "‚", "scaron": "š", "scedil": "ş", "sdot": "⋅", "sect": "§",
        "semi": ";", "sharp": "♯", "shy": "\u{AD}", "sigma": "σ", "sigmaf": "ς", "sim": "∼", "sol": "/", "spades": "♠", "squ": "□",
        "square": "□", "star": "☆", "starf": "★", "sub": "⊂", "sube": "⊆", "sum": "∑", "sung": "♪", "sup": "⊃", "sup1": "¹", "sup2": "²",
        "sup3": "³", "supe": "⊇", "szlig": "ß", "tau": "τ", "tcaron": "ť", "tcedil": "ţ", "there4": "∴", "theta": "θ", "thetasym": "ϑ",
        "thinsp": "\u{2009}", "thorn": "þ", "tilde": "˜", "times": "×", "trade": "™", "uArr": "⇑", "uacute": "ú", "uarr": "↑",
        "ucirc": "û", "udblac": "ű", "ugrave": "ù", "umacr": "ū", "uml": "¨", "upsih": "ϒ", "upsilon": "υ", "uring": "ů", "uuml": "ü",
        "verbar": "|", "vert": "|", "weierp": "℘", "xi": "ξ", "xrarr": "⟶", "yacute": "ý", "yen": "¥", "yuml": "ÿ", "zacute": "ź",
        "zcaron": "ž", "zdot": "ż", "zeta": "ζ", "zwj": "\u{200D}", "zwnj": "\u{200C}",
    ]

    /// Names that also count where no semicolon follows.
    static let withoutSemicolon: Set<String> = [
        "AElig", "AMP", "Aacute", "Acirc", "Agrave", "Aring", "Atilde", "Auml", "COPY", "Ccedil", "ETH", "Eacute", "Ecirc", "Egrave",
        "Euml", "GT", "Iacute", "Icirc", "Igrave", "Iuml", "LT", "Ntilde", "Oacute", "Ocirc", "Ograve", "Oslash", "Otilde", "Ouml",
        "QUOT", "REG", "THORN", "Uacute", "Ucirc", "Ugrave", "Uuml", "Yacute", "aacute", "acirc", "acute", "aelig", "agrave", "amp",
        "aring", "atilde", "auml", "brvbar", "ccedil", "cedil", "cent", "copy", "curren", "deg", "divide", "eacute", "ecirc", "egrave",
        "eth", "euml", "frac12", "frac14", "frac34", "gt", "iacute", "icirc", "iexcl", "igrave", "iquest", "iuml", "laquo", "lt", "macr",
        "micro", "middot", "nbsp", "not", "ntilde", "oacute", "ocirc", "ograve", "ordf", "ordm", "oslash", "otilde", "ouml", "para",
        "plusmn", "pound", "quot", "raquo", "reg", "sect", "shy", "sup1", "sup2", "sup3", "szlig", "thorn", "times", "uacute", "ucirc",
        "ugrave", "uml", "uuml", "yacute", "yen", "yuml",
    ]

    /// The longest name of ``withoutSemicolon``.
    static let longestWithoutSemicolon = 6
    /// The longest name of ``named``.
    static let longest = 21
}
