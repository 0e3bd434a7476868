import RungCore

/// Reads the members of a mapping as the types that the format asks for; what is wrong is recorded, and the reader goes
/// on as if it had not been written.
struct Fields {
  /// The mapping.
  let node: YAMLNode
  private let mistakes: Mistakes
  // Keys that unknown ones most likely mean: not reported as missing, too.
  private var meant: Set<String> = []

  /// Checks that the node is a mapping with known keys only. Nil when it is no mapping. `what` is how the mapping is
  /// called in messages.
  init?(_ node: YAMLNode, known: [String], for what: String, mistakes: Mistakes) {
    guard let entries = node.entries else {
      mistakes.error("expected a mapping for \(what), found \(node.described)", at: node)
      return nil
    }
    self.node = node
    self.mistakes = mistakes
    for entry in entries where !known.contains(entry.name) {
      mistakes.error(
        "unknown key '\(entry.name)' in \(what)", at: entry.key, name: entry.name, among: known,
        of: "the keys here are")
      if let near = Mistakes.near(entry.name, among: known) { meant.insert(near) }
    }
  }

  /// Whether an unknown key most likely means this one.
  func isMisspelt(_ key: String) -> Bool { meant.contains(key) }

  /// Whether a key is missing and no misspelt key means it.
  func lacks(_ key: String) -> Bool { self[key] == nil && !meant.contains(key) }

  /// The value of a key; nil when it is missing or null.
  subscript(_ key: String) -> YAMLNode? {
    guard let value = node[key], !value.isNull else { return nil }
    return value
  }

  /// The key itself.
  func key(_ name: String) -> YAMLNode? { node.entries?.first { $0.name == name }?.key }

  /// A text. Numbers and truth values count as their text.
  func text(_ key: String) -> String? {
    guard let value = self[key] else { return nil }
    return mistakes.text(value, for: key)
  }

  /// A truth value.
  func bool(_ key: String) -> Bool? {
    guard let value = self[key] else { return nil }
    guard let bool = value.json.bool else {
      mistakes.expected("true or false", for: key, found: value)
      return nil
    }
    return bool
  }

  /// A whole number within bounds.
  func int(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = self[key] else { return nil }
    return mistakes.int(value, for: key, in: range)
  }

  /// A floating-point number that is not negative.
  func double(_ key: String) -> Double? {
    guard let value = self[key] else { return nil }
    guard let number = value.json.double, number.isFinite, number >= 0 else {
      mistakes.error(
        "'\(key)' must be a number that is not negative, not '\(value.text ?? value.described)'", at: value)
      return nil
    }
    return number
  }

  /// An amount of memory, or of something else that is counted in bytes.
  func memory(_ key: String, of what: String = "memory") -> ByteCount? {
    guard let value = self[key], let text = mistakes.text(value, for: key) else { return nil }
    guard let amount = ByteCount(text), amount.bytes > 0 else {
      mistakes.error("'\(text)' is no amount of \(what)", at: value, notes: ["write it like 1 GB, 512 MB or 2 GiB"])
      return nil
    }
    return amount
  }

  /// A length of time.
  func time(_ key: String) -> TimeSpan? {
    guard let value = self[key], let text = mistakes.text(value, for: key) else { return nil }
    guard let time = TimeSpan(text), time.nanoseconds > 0 else {
      mistakes.error("'\(text)' is no length of time", at: value, notes: ["write it like 30 s, 5 min or 1.5 h"])
      return nil
    }
    return time
  }

  /// One of the words of an enumeration.
  func word<T: RawRepresentable & CaseIterable>(_ key: String, as type: T.Type) -> T? where T.RawValue == String {
    guard let value = self[key], let text = mistakes.text(value, for: key) else { return nil }
    if let word = T(rawValue: text) { return word }
    let words = T.allCases.map(\.rawValue)
    mistakes.error(
      "'\(text)' is no value for '\(key)'", at: value, name: text, among: words, of: "it may be one of")
    return nil
  }

  /// The members of a mapping, null counting as none; nil after a mistake.
  func mapping(_ key: String) -> [YAMLNode.Entry]? {
    guard let value = self[key] else { return [] }
    guard let entries = value.entries else {
      mistakes.expected("a mapping", for: key, found: value)
      return nil
    }
    return entries
  }

  /// The items of a list, null counting as none; nil after a mistake.
  func list(_ key: String) -> [YAMLNode]? {
    guard let value = self[key] else { return [] }
    guard let items = value.items else {
      mistakes.expected("a list", for: key, found: value)
      return nil
    }
    return items
  }
}

extension Mistakes {
  /// The text of a scalar; a mistake for lists, mappings and null.
  func text(_ node: YAMLNode, for key: String) -> String? {
    guard let text = node.text, !node.isNull else {
      expected("a text", for: key, found: node)
      return nil
    }
    return text
  }

  /// A whole number within bounds.
  func int(_ node: YAMLNode, for key: String, in range: ClosedRange<Int>) -> Int? {
    guard let number = node.json.int else {
      if case .number(let text) = node.json {
        error("'\(key)' must be a whole number, not \(text)", at: node)
      } else {
        expected("a whole number", for: key, found: node)
      }
      return nil
    }
    guard range.contains(number) else {
      error("'\(key)' must be from \(range.lowerBound) to \(range.upperBound), not \(number)", at: node)
      return nil
    }
    return number
  }

  /// Checks a name that placeholders or targets use.
  func checkName(_ key: YAMLNode, what: String) -> Bool {
    let name = key.text ?? ""
    guard Names.isName(name) else {
      error(
        "'\(name)' cannot name \(what)", at: key,
        notes: ["a name begins with a letter or _ and goes on with letters, digits, _ and -"])
      return false
    }
    guard !Names.reserved.contains(name) else {
      error("'\(name)' cannot name \(what): placeholders use it for something else", at: key)
      return false
    }
    return true
  }
}
