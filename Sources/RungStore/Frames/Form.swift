/// How an object that has a file of its own lies in it. docs/formats/store.md describes each form.
enum Form: Hashable, Sendable {
  /// zstd frames and a table of them. The bytes of each frame are grouped by their place in numbers where `planes`
  /// is not `off`.
  case zstd(planes: BytePlanes)
  /// The bytes themselves.
  case raw
  /// The digests of the objects that follow each other in it.
  case list

  /// What the file's name ends with.
  var suffix: String {
    switch self {
    case .zstd(planes: .off): ".zst"
    case .zstd(let planes): ".p\(planes.rawValue).zst"
    case .raw: ".raw"
    case .list: ".list"
    }
  }

  /// All forms, those first that are met most. A list comes last: what it replaces is whole by itself.
  static let all: [Form] = [
    .zstd(planes: .off), .raw, .zstd(planes: .four), .zstd(planes: .two), .zstd(planes: .eight), .list,
  ]

  /// Those of format 1, which also small objects and records had.
  static let old: [Form] = [.zstd(planes: .off)]

  /// Reads the name of a file below a shard, without the two digits that name the shard. Nil for any other name.
  static func parse(_ name: String) -> (digits: Substring, form: Form)? {
    guard name.utf8.count > 62 else { return nil }
    let digits = name.prefix(62)
    let suffix = name.dropFirst(62)
    guard let form = all.first(where: { $0.suffix == suffix }) else { return nil }
    return (digits, form)
  }
}
