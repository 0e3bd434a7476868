import RungCore

/// Edits pipeline files as a careful person would: comments, order, quotes and layout stay, byte for byte.
public enum PipelineEditor {
  /// Adds declared inputs to a step, in the way in which its inputs are written already.
  ///
  /// - Parameters:
  ///   - inputs: what to add; the caller leaves out what is declared already.
  ///   - step: the step's name in its pipeline.
  ///   - text: the bytes of the pipeline file.
  ///   - file: where the file is, from the project's root.
  ///   - files: the other files of the project, which say what the pipeline means.
  ///
  /// The result was read again: the project is what it was, plus these inputs of this step. Throws when the project has
  /// mistakes, when there is no such step, and when the inputs cannot be added so that nothing else changes (they come
  /// from `defaults`, `uses` or an alias, another step shares them); it says then what to write by hand.
  public static func addingInputs(
    _ inputs: [NewInput], toStep step: String, in text: [UInt8], file: RelativePath, files: ProjectFiles
  ) throws(Diagnostics) -> PipelineEdit {
    let old = try Project.load(root: "/", files: overlay(text, on: file, files))
    guard let pipeline = old.pipelines.first(where: { $0.file == file }) else {
      throw Diagnostics("\(file) is no pipeline of this project")
    }
    guard let declared = pipeline.steps.first(where: { $0.name == step }) else {
      let names = pipeline.steps.map(\.name)
      throw Diagnostics(
        "pipeline '\(pipeline.name)' has no step '\(step)'",
        notes: [Mistakes.suggestion(step, among: names, of: "its steps are")].compactMap { $0 })
    }
    let root = try parse(text, file)
    guard let steps = root["steps"], let entry = steps.entries?.first(where: { $0.name == step }) else {
      throw Diagnostics("\(file) has no step '\(step)' of its own")
    }
    let editor = InputsEditor(
      layout: SourceLayout(source: root.source), step: entry, inherits: !declared.inputs.isEmpty)
    let lines = try lines(inputs, for: declared, of: pipeline, isList: editor.isList)
    let refusal = Refusal(step: step, place: entry.key.location, lines: lines)
    let insertions: [Insertion]
    do throws(CannotEdit) { insertions = try editor.insertions(lines) } catch { throw refusal.because(error.reason) }

    let edit = apply(insertions, to: text, lines, inputs)
    let new: Project
    do throws(Diagnostics) {
      new = try Project.load(root: "/", files: overlay(edit.text, on: file, files))
    } catch { throw refusal.because("then: \(error.items.first?.message ?? "")") }
    let expected = zip(inputs, lines).map { input, line in
      Input(
        name: line.name ?? "", path: Template(literal: TemplatePiece.plain(line.text)), form: input.form,
        base: pipeline.folder)
    }
    let check = EditCheck(file: file, step: step, added: expected)
    if let difference = check.difference(old, new) { throw refusal.because(difference) }
    guard check.saysTheSame(root, try parse(edit.text, file)), edit.before == text else {
      throw refusal.because("more than the inputs of this step would change")
    }
    return edit
  }

  private static func overlay(_ text: [UInt8], on file: RelativePath, _ files: ProjectFiles) -> ProjectFiles {
    var files = files
    let read = files.read
    files.read = { path, limit in path == file ? Array(text.prefix(limit + 1)) : try read(path, limit) }
    return files
  }

  private static func parse(_ text: [UInt8], _ file: RelativePath) throws(Diagnostics) -> YAMLNode {
    let mistakes = Mistakes()
    let source = SourceText.read(name: file.text, folder: file.parent, bytes: text, mistakes: mistakes)
    guard let root = source.flatMap({ YAMLParser.parse($0, mistakes: mistakes) }), mistakes.errors.isEmpty else {
      throw Diagnostics(mistakes.all)
    }
    return root
  }

  // Names and texts for the inputs; all that is wrong with them at once.
  private static func lines(
    _ inputs: [NewInput], for step: Step, of pipeline: Pipeline, isList: Bool
  ) throws(Diagnostics) -> [InputsEditor.Line] {
    let taken = step.inputs.map(\.name) + pipeline.parameters.map(\.name) + pipeline.axes.map(\.name)
    var naming = InputNaming(taken: taken)
    var problems: [Diagnostic] = []
    // Names that were chosen come before names that are made.
    for name in inputs.compactMap(\.name) {
      if isList {
        problems.append(
          Diagnostic(.error, "the input '\(name)' cannot have a name: the inputs of step '\(step.name)' are a list"))
      } else if let problem = naming.take(name) {
        problems.append(Diagnostic(.error, problem, notes: ["of the new input of step '\(step.name)'"]))
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return inputs.map { input in
      let name = isList ? nil : input.name ?? naming.take(for: input.path, form: input.form)
      let text = ScalarText.path(input.path, from: pipeline.folder)
      return InputsEditor.Line(
        name: name, text: ScalarText.literal(text), isLiteral: input.form == .path && Glob.isPattern(text))
    }
  }

  private static func apply(
    _ insertions: [Insertion], to text: [UInt8], _ lines: [InputsEditor.Line], _ inputs: [NewInput]
  ) -> PipelineEdit {
    // A byte order mark is no part of the text that was parsed.
    let mark = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var edit = PipelineEdit(text: [], added: [], insertions: [])
    var at = 0
    for insertion in insertions {
      let place = (insertion.place.lowerBound + mark)..<(insertion.place.upperBound + mark)
      edit.text += text[at..<place.lowerBound]
      edit.insertions.append(edit.text.count..<(edit.text.count + insertion.bytes.count))
      edit.text += insertion.bytes
      if !place.isEmpty { edit.replaced = Array(text[place]) }
      at = place.upperBound
    }
    edit.text += text[at...]
    edit.added = zip(lines, inputs).map { PipelineEdit.Added(name: $0.name, path: $1.path) }
    return edit
  }

  // What cannot be done, and what a person can do.
  private struct Refusal {
    let step: String
    let place: SourceLocation
    let lines: [InputsEditor.Line]

    func because(_ reason: String) -> Diagnostics {
      let shown = lines.prefix(20).map { ($0.name == nil ? "  - " : "  ") + $0.written(.plain) }
      let rest = lines.count > shown.count ? ["  … and \(lines.count - shown.count) more"] : []
      return Diagnostics(
        "the inputs of step '\(step)' cannot be added without changing something else: \(reason)", at: place,
        notes: ["write them by hand, under 'inputs' of the step:"] + shown + rest)
    }
  }
}

extension TemplatePiece {
  /// What a text without placeholders says: `{{name}}` as `{name}`.
  static func plain(_ text: String) -> String {
    pieces(of: text).map { piece in
      switch piece {
      case .literal(let text): text
      case .placeholder(let placeholder): placeholder.braced
      }
    }.joined()
  }
}
