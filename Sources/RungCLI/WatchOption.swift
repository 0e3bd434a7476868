import ArgumentParser
import RungCore
import RungModel

/// How far steps are watched, for the verbs that run steps or say what would run.
struct WatchOption: ParsableArguments {
  @Option(
    name: .customLong("watch"),
    help: ArgumentHelp(
      "Watch every step so far, whatever files say: strict, traced or declared.", valueName: "level"),
    completion: .list(WatchLevel.allCases.reversed().map(\.rawValue)))
  var word: String?

  /// The level; nil when the option is not given. Throws for a word that is no level.
  func level() throws -> WatchLevel? {
    guard let word else { return nil }
    if let level = WatchLevel(rawValue: word) { return level }
    let words = WatchLevel.allCases.reversed().map(\.rawValue)
    throw RequestError(
      message: "--watch \(word): there is no such level",
      hints: [
        nearest(word, among: words).map { "did you mean '\($0)'?" } ?? "the levels are \(words.joined(separator: ", "))"
      ])
  }
}
