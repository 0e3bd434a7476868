import RungCore
import RungLedger
import RungStore

/// What one execution was observed to look at, for people.
struct ObservedText {
  private let observed: Observed
  private let store: ObjectStore

  // Files of the project that are named, and the largest set that is read, in bytes.
  private static let most = 20
  private static let largest: Int64 = 1 << 30

  init(_ observed: Observed, _ store: ObjectStore) {
    self.observed = observed
    self.store = store
  }

  /// A part for each set; nothing where nothing was observed.
  func write(to out: inout TextLayout) {
    if let project = observed.project { write(project, "Observed in the project", listsFiles: true, to: &out) }
    if let system = observed.system { write(system, "Observed in the system", listsFiles: false, to: &out) }
  }

  private func write(_ digest: Digest, _ title: String, listsFiles: Bool, to out: inout TextLayout) {
    out.space()
    out.line(title)
    out.line(digest.description, indent: 2)
    let bytes: [UInt8]
    do throws(StoreError) {
      bytes = try store.read(digest, limit: Self.largest)
    } catch {
      out.paragraph(error.message, indent: 2)
      return
    }
    guard let set = ObservedSet(bytes: bytes) else {
      out.paragraph("this is not a set of files", indent: 2)
      return
    }
    out.paragraph(Self.counts(set), indent: 2)
    if !listsFiles { return }
    let files = set.entries.filter { $0.kind == .file || $0.kind == .executable }
    for file in files.prefix(Self.most) {
      let note = file.kind == .executable ? "  (executable)" : ""
      out.line("\(file.digest?.short ?? String(repeating: "·", count: 12))  \(file.path)\(note)", indent: 2)
    }
    if files.count > Self.most { out.line("and \(counted(files.count - Self.most, "more file"))", indent: 2) }
  }

  // `12 files, 3 folders listed, 40 names not there`.
  private static func counts(_ set: ObservedSet) -> String {
    var numbers: [ObservedSet.Kind: Int] = [:]
    for entry in set.entries { numbers[entry.kind, default: 0] += 1 }
    let parts = ObservedSet.Kind.allCases.compactMap { kind -> String? in
      guard let count = numbers[kind] else { return nil }
      switch kind {
      case .file: return counted(count, "file")
      case .executable: return counted(count, "executable")
      case .folder: return counted(count, "folder")
      case .listing: return "\(counted(count, "folder")) listed"
      case .modules: return "\(counted(count, "folder")) searched for modules"
      case .absent: return "\(counted(count, "name")) not there"
      case .link: return counted(count, "link")
      case .other: return counted(count, "other")
      }
    }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }
}
