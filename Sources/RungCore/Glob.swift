/// A pattern for paths: `*` and `?` match within a component, `**` matches any number of components, `[a-z]` and
/// `[!a-z]` a character, `{a,b}` either text. As in git, a leading dot of a component must be matched by a dot.
public struct Glob: Hashable, Sendable {
  /// The pattern as written.
  public let pattern: String
  private let alternatives: [[[Character]]]

  /// Compiles a pattern. More than 1,000 alternatives of `{a,b}` are cut off.
  public init(_ pattern: String) {
    self.pattern = pattern
    alternatives = Self.expand(Array(pattern)).map { text in
      text.split(separator: "/", omittingEmptySubsequences: true).map { Array($0) }
    }
  }

  /// True if the text holds a character that only a pattern has.
  public static func isPattern(_ text: some StringProtocol) -> Bool {
    text.contains { "*?[{".contains($0) }
  }

  /// Whether the path matches as a whole.
  public func matches(_ path: some StringProtocol) -> Bool {
    let parts = path.split(separator: "/").map { Array($0) }
    return alternatives.contains { Self.match($0[...], parts[...]) }
  }

  /// The folders at the front that hold no wildcard: where a search has to begin. Empty for the root.
  public var fixedPrefix: String {
    let parts = pattern.split(separator: "/")
    return parts.dropLast().prefix { !Self.isPattern($0) }.joined(separator: "/")
  }

  private static func expand(_ text: [Character]) -> [[Character]] {
    var open: Int?
    var level = 0
    var cuts: [Int] = []
    for (index, c) in text.enumerated() {
      if c == "{" {
        if level == 0 { (open, cuts) = (index, [index]) }
        level += 1
      } else if c == ",", level == 1 {
        cuts.append(index)
      } else if c == "}", level > 0 {
        level -= 1
        guard level == 0, let start = open else { continue }
        guard cuts.count > 1 else { continue }
        cuts.append(index)
        let options = zip(cuts, cuts.dropFirst()).map { Array(text[($0 + 1)..<$1]) }
        var all: [[Character]] = []
        for option in options {
          all += expand(Array(text[..<start]) + option + Array(text[(index + 1)...]))
          if all.count > 1000 { break }
        }
        return all
      }
    }
    return [text]
  }

  private static func match(_ pattern: ArraySlice<[Character]>, _ path: ArraySlice<[Character]>) -> Bool {
    // `reached[n]`: the items so far match the first n components. No backtracking, which many `**` make exponential.
    let components = Array(path)
    var reached = [Bool](repeating: false, count: components.count + 1)
    reached[0] = true
    for item in pattern {
      if item == ["*", "*"] {
        for n in components.indices where reached[n] && components[n].first != "." { reached[n + 1] = true }
        continue
      }
      var next = [Bool](repeating: false, count: components.count + 1)
      for n in components.indices where reached[n] {
        let isHidden = components[n].first == "." && item.first != "."
        next[n + 1] = !isHidden && matchComponent(item[...], components[n][...])
      }
      reached = next
    }
    return reached[components.count]
  }

  // The usual two-pointer match: on failure go back to the last star and let it take one character more.
  private static func matchComponent(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
    var p = pattern.startIndex
    var t = text.startIndex
    var star: (p: Int, t: Int)?
    while t < text.endIndex {
      if p < pattern.endIndex, pattern[p] == "*" {
        star = (p, t)
        p += 1
      } else if let next = one(pattern, at: p, matches: text[t]) {
        p = next
        t += 1
      } else if let back = star {
        star = (back.p, back.t + 1)
        p = back.p + 1
        t = back.t + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }

  // The index after the item at `p` if it matches one character, else nil.
  private static func one(_ pattern: ArraySlice<Character>, at p: Int, matches c: Character) -> Int? {
    guard p < pattern.endIndex else { return nil }
    if pattern[p] == "?" { return p + 1 }
    if pattern[p] == "[", let end = pattern[(p + 1)...].dropFirst().firstIndex(of: "]") {
      var set = pattern[(p + 1)..<end]
      let negated = set.first == "!" || set.first == "^"
      if negated { set = set.dropFirst() }
      var found = false
      var i = set.startIndex
      while i < set.endIndex {
        if i + 2 < set.endIndex, set[i + 1] == "-" {
          if set[i] <= c, c <= set[i + 2] { found = true }
          i += 3
        } else {
          if set[i] == c { found = true }
          i += 1
        }
      }
      return found != negated ? end + 1 : nil
    }
    return pattern[p] == c ? p + 1 : nil
  }
}
