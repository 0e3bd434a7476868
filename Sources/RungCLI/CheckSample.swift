import RungCore
import RungStore

/// How people say how much of a cache is to be checked.
enum CheckSample {
  /// Reads `5%`, `10GB`, `10min`, or a share such as `0.05`; nil means all.
  static func scope(_ text: String?) throws -> CheckScope {
    guard let text else { return .all }
    // 10m is ten minutes to some and ten megabytes to others.
    let unit = String(text.drop { "0"..."9" ~= $0 || $0 == "." || $0 == " " })
    if unit.lowercased() == "m" {
      let number = text.dropLast()
      throw RequestError(
        message: "--sample \(text) could be minutes or megabytes", hints: ["write \(number)min or \(number)MB"])
    }
    switch unit {
    case "%": if let share = share(text.dropLast(), of: 100) { return .share(share) }
    case "": if let share = share(text[...], of: 1) { return .share(share) }
    default:
      if let time = TimeSpan(text), time.nanoseconds > 0 { return .seconds(time.seconds) }
      if let size = ByteCount(text), size.bytes > 0 { return .bytes(size.bytes) }
    }
    throw RequestError(
      message: "--sample wants a share, a size or a time, not '\(text)'", hints: ["for example 5%, 10GB, 10min"])
  }

  private static func share(_ text: Substring, of whole: Double) -> Double? {
    guard let number = Double(text.filter { $0 != " " }), number > 0, number <= whole else { return nil }
    return number / whole
  }
}
