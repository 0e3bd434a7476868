import RungCore

// Archives by what is in them, whatever the order, the packing and the time stamps: `.npz` above all.
extension OutputComparison {
  static func compareArchives(_ a: ZipArchive, _ b: ZipArchive, _ findings: inout Findings) {
    func only(_ these: ZipArchive, _ those: ZipArchive) -> String? {
      let names = Set(those.members.map(\.name))
      return these.members.first { !names.contains($0.name) }.map { Wording.quoted($0.name) }
    }
    if let name = only(a, b) { findings.differ("file \(name) is only in the first archive") }
    if let name = only(b, a) { findings.differ("file \(name) is only in the second archive") }
    var isSameContent = true
    for (x, y) in zip(a.members, b.members) where findings.first == nil && !isSame(x.content, y.content) {
      isSameContent = false
      compareMembers(x, y, &findings)
    }
    guard isSameContent else { return }
    findings.remark =
      a.withoutTimes == b.withoutTimes
      ? "only the archive's time stamps differ" : "only the packing of the archive differs"
  }

  private static func compareMembers(_ a: ZipArchive.Member, _ b: ZipArchive.Member, _ findings: inout Findings) {
    let kind = FileKind(a.name, a.content, b.content)
    if kind == .array, let x = try? NumPyArray(a.content), let y = try? NumPyArray(b.content) {
      compareArrays(x, y, named: a.name.hasSuffix(".npy") ? String(a.name.dropLast(4)) : a.name, &findings)
      return
    }
    findings.within("file \(Wording.quoted(a.name))") { inner in
      // An archive within an archive is not unpacked.
      compare(a.content, b.content, as: kind == .archive ? .other : kind, &inner)
    }
  }
}
