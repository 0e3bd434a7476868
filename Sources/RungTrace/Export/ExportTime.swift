import RungLedger

/// Points in time as RFC 3339 writes them, in UTC.
enum ExportTime {
  /// To the nanosecond: `2026-11-23T22:51:07.812345678Z`. `nanoseconds` are counted from 1970.
  static func exact(_ nanoseconds: Int64) -> String {
    let (day, rest) = parts(nanoseconds)
    return "\(day).\(padded(rest, 9))Z"
  }

  /// To the millisecond, cut, with the offset written out: `2026-11-23T22:51:07.812+00:00`, the only form that the
  /// validators of RO-Crate's run profiles accept.
  static func milliseconds(_ nanoseconds: Int64) -> String {
    let (day, rest) = parts(nanoseconds)
    return "\(day).\(padded(rest / 1_000_000, 3))+00:00"
  }

  /// When an execution ended, in nanoseconds since 1970; when it started if its duration is beyond all bounds.
  static func end(of record: Record) -> Int64 {
    let (end, overflow) = record.started.addingReportingOverflow(record.duration)
    return overflow ? record.started : end
  }

  // The date and time to the second, and the nanoseconds that are left.
  private static func parts(_ nanoseconds: Int64) -> (String, Int64) {
    let (second, rest) = floored(nanoseconds, 1_000_000_000)
    let (day, time) = floored(second, 86400)
    let date = civil(day)
    let clock = [time / 3600, time / 60 % 60, time % 60].map { padded($0, 2) }.joined(separator: ":")
    return ("\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T\(clock)", rest)
  }

  private static func floored(_ value: Int64, _ by: Int64) -> (Int64, Int64) {
    let rest = value % by
    return rest < 0 ? (value / by - 1, rest + by) : (value / by, rest)
  }

  // The Gregorian date of a day counted from 1970. Years are counted from March, so that the leap day is a year's last.
  private static func civil(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, inEra) = floored(day + 719_468, 146_097)
    let year = (inEra - inEra / 1460 + inEra / 36524 - inEra / 146_096) / 365
    let inYear = inEra - (365 * year + year / 4 - year / 100)
    let month = (5 * inYear + 2) / 153
    let dayOfMonth = inYear - (153 * month + 2) / 5 + 1
    return (year + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, dayOfMonth)
  }

  private static func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}
