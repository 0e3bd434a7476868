internal import CRungStore

/// How many bytes wide the numbers are by whose byte planes a frame is grouped before it is compressed.
///
/// All first bytes of the numbers, then all second bytes, and so on, then what is left over as it is. The exponents of
/// float tensors are alike and their mantissas are not: side by side they compress better and faster. The length stays,
/// and grouping loses nothing whatever the bytes are.
enum BytePlanes: Int, CaseIterable, Sendable {
  case off = 1
  case two = 2
  case four = 4
  case eight = 8

  /// Writes the grouped bytes of `plain` to the start of `grouped`, which is at least as long and apart from it.
  func group(_ plain: UnsafeRawBufferPointer, into grouped: UnsafeMutableRawBufferPointer) {
    precondition(grouped.count >= plain.count)
    guard let from = plain.baseAddress, let to = grouped.baseAddress else { return }
    rung_planes_group(Int32(rawValue), from, to, plain.count)
  }

  /// The inverse of `group`. Both work on a frame as a whole: half of a grouped frame cannot be ungrouped.
  func ungroup(_ grouped: UnsafeRawBufferPointer, into plain: UnsafeMutableRawBufferPointer) {
    precondition(plain.count >= grouped.count)
    guard let from = grouped.baseAddress, let to = plain.baseAddress else { return }
    rung_planes_ungroup(Int32(rawValue), from, to, grouped.count)
  }
}
