/// A text with references in it, already checked: `--width {width} --out {out.metrics}`.
public struct Template: Hashable, Sendable {
  /// Literal text and references in their order.
  public var segments: [Segment]

  /// A piece of a template.
  public enum Segment: Hashable, Sendable {
    /// Text as it is.
    case literal(String)
    /// Something to be filled in.
    case reference(Reference)
  }

  /// A template from its pieces.
  public init(segments: [Segment]) { self.segments = segments }

  /// A text without references.
  public init(literal: String) { segments = literal.isEmpty ? [] : [.literal(literal)] }

  /// The references, in their order.
  public var references: [Reference] {
    segments.compactMap { if case .reference(let reference) = $0 { reference } else { nil } }
  }

  /// The template as a user would write it: references in braces.
  public var source: String {
    segments.map { segment in
      switch segment {
      case .literal(let text): text
      case .reference(let reference): "{\(reference.source)}"
      }
    }.joined()
  }
}

/// What a placeholder stands for.
public enum Reference: Hashable, Sendable {
  /// `{samples}`, or `{model.depth}` for a member of a structured parameter.
  case parameter(String, path: [String])
  /// `{width}`, or `{setting.lr}` for a field of a zipped axis or a table.
  case axis(String, field: String?)
  /// `{code}`: the path at which the step sees the input.
  case input(String)
  /// `{out.metrics}`: the path at which the step writes the output.
  case output(String)
  /// `{fit.metrics}` or `{other-pipeline/fit.metrics}`: the path at which the step sees another step's output.
  case step(StepOutput)

  /// As written between the braces.
  public var source: String {
    switch self {
    case .parameter(let name, let path): ([name] + path).joined(separator: ".")
    case .axis(let name, let field): field.map { "\(name).\($0)" } ?? name
    case .input(let name): name
    case .output(let name): "out.\(name)"
    case .step(let output): output.source
    }
  }
}

/// An output of a step, as another step refers to it.
public struct StepOutput: Hashable, Sendable {
  /// The pipeline of the step that makes it.
  public var pipeline: String
  /// The step that makes it.
  public var step: String
  /// The name of the output.
  public var output: String
  /// What a collected reference becomes: a table, a directory of files, or whichever suits the output.
  public var form: Form
  /// The text between the braces.
  public var source: String

  /// What a collected reference becomes.
  public enum Form: String, Hashable, Sendable {
    /// A table for a `.json` output, files for anything else.
    case automatic
    /// A directory with `index.csv` and the files.
    case files
    /// One CSV table.
    case table
    /// One CSV table of means, deviations and intervals over replicates.
    case summary
  }

  /// A reference to an output.
  public init(pipeline: String, step: String, output: String, form: Form = .automatic, source: String) {
    self.pipeline = pipeline
    self.step = step
    self.output = output
    self.form = form
    self.source = source
  }
}
