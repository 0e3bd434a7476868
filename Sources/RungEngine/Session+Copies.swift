import RungCore
import RungFormats
import RungLedger
import RungStore

extension Session {
  /// A published copy that is as it should be.
  struct Copy {
    /// Its digest, when it carries a stamp.
    let digest: Digest?
  }

  /// The copy of an output at a place in the project: its bytes as they are, or with a stamp that says so. Nil when there
  /// is none, or it was changed.
  ///
  /// A stamp that names another execution with the same bytes is good enough: a figure that has not changed is not
  /// written again.
  ///
  /// - Parameter lookingAgain: whether it may have changed since this session looked.
  func copy(of output: ActionOutput, at path: RelativePath, lookingAgain: Bool = false) -> Copy? {
    if lookingAgain { resolver.value.files.forget(path) }
    guard let content = try? resolver.value.files.content(path, keeping: false) else { return nil }
    if content.isCopy(of: output) { return Copy(digest: nil) }
    guard case .file(let digest, let size, let isExecutable) = content, output.kind != .tree,
      isExecutable == (output.kind == .executable)
    else { return nil }
    if let row = publishedRows[path.text], row.copy == digest, row.digest == output.digest {
      return Copy(digest: digest)
    }
    // One that names a record of another cache is of no use in this one.
    guard let stamp = Publisher.stamp(ofFileAt: path.absolute(in: project.root), size: size),
      stamp.artifact == output.digest, store.hasRecord(stamp.record)
    else { return nil }
    return Copy(digest: digest)
  }

  /// The published files of surveyed instances that are missing or are not what was published there, by path. Every one is
  /// read, whatever the stat cache says.
  public func changedCopies(_ survey: Survey) -> [String] {
    let missing = Set(unpublished(survey))
    let changed = published.filter { path, place in
      guard !missing.contains(path), survey.standing[place.instance] == .current, let relative = RelativePath(path),
        let output = resolver.value.output(place.output, of: place.instance), output.kind != .tree,
        let copy = copy(of: output, at: relative)
      else { return false }
      let now = try? ObjectStore.digest(ofFileAt: relative.absolute(in: project.root)).digest
      return now != copy.digest ?? output.digest
    }
    return (missing.union(changed.keys)).sorted()
  }
}
