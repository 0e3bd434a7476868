/// A number of bytes.
public struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// In bytes; never negative.
  public let bytes: Int64

  /// A number of bytes; a negative one counts as zero.
  public init(bytes: Int64) { self.bytes = max(0, bytes) }

  /// Reads `1 GB`, `512MiB`, `1.5 kB`, `4096`. Decimal units are powers of 1000, binary ones (`KiB`) of 1024; a bare
  /// number is bytes. Nil for anything else, for negative numbers and for more than 2^62.
  public init?(_ text: String) {
    guard let (value, unit) = splitQuantity(text) else { return nil }
    let scales: [String: Double] = [
      "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
      "kib": 1024, "mib": 1_048_576, "gib": 1_073_741_824, "tib": 1_099_511_627_776,
    ]
    guard let scale = scales[unit], value * scale < 4e18 else { return nil }
    bytes = Int64((value * scale).rounded())
  }

  /// For people: `1.5 GB`, at most one decimal, powers of 1000.
  public var description: String {
    var value = Double(bytes)
    for unit in ["B", "kB", "MB", "GB", "TB"] {
      if value < 999.95 || unit == "TB" {
        return unit == "B" ? "\(bytes) B" : "\(shortDecimal(value)) \(unit)"
      }
      value /= 1000
    }
    return "\(bytes) B"
  }

  /// By size.
  public static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }
}

/// A length of time, as users write it and as Rung shows it.
public struct TimeSpan: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// In nanoseconds; never negative.
  public let nanoseconds: Int64

  /// A length of time; a negative one counts as zero.
  public init(nanoseconds: Int64) { self.nanoseconds = max(0, nanoseconds) }

  /// Reads `30 s`, `5m`, `1.5 h`, `250 ms`, `2 d`. A bare number is seconds. Nil for anything else and for more than
  /// a hundred years.
  public init?(_ text: String) {
    guard let (value, unit) = splitQuantity(text) else { return nil }
    let scales: [String: Double] = [
      "": 1, "s": 1, "sec": 1, "ms": 1e-3, "m": 60, "min": 60, "h": 3600, "d": 86400,
    ]
    guard let scale = scales[unit], value * scale < 3.2e9 else { return nil }
    nanoseconds = Int64((value * scale * 1e9).rounded())
  }

  /// In seconds.
  public var seconds: Double { Double(nanoseconds) / 1e9 }

  /// For people: `0.3 ms`, `12 ms`, `3.4 s`, `2 min 05 s`, `3 h 07 min`.
  public var description: String {
    let s = seconds
    if s < 0.001 { return "\(shortDecimal(s * 1e3)) ms" }
    if s < 0.9995 { return "\(Int((s * 1e3).rounded())) ms" }
    if s < 59.95 { return "\(shortDecimal(s)) s" }
    let whole = Int(s.rounded())
    func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    if whole < 3600 { return "\(whole / 60) min \(two(whole % 60)) s" }
    return "\(whole / 3600) h \(two(whole % 3600 / 60)) min"
  }

  /// By length.
  public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.nanoseconds < b.nanoseconds }
}

// "1.5 GB" → (1.5, "gb"). Only plain decimal numbers; one optional space.
private func splitQuantity(_ text: String) -> (value: Double, unit: String)? {
  let number = text.prefix { ("0"..."9").contains($0) || $0 == "." }
  guard let value = Double(number), value.isFinite else { return nil }
  var unit = text.dropFirst(number.count)
  if unit.first == " " { unit = unit.dropFirst() }
  return (value, unit.lowercased())
}

// One decimal, none when it is zero.
private func shortDecimal(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
}
