package mllibpy.algorithm.als

import com.fasterxml.jackson.databind.node.{JsonNodeFactory, ObjectNode}
import com.fasterxml.jackson.databind.JsonNode
import mllibpy.engine.{Duplicates, InvalidInput, ParameterSpec}
import mllibpy.kernel.{Method, Objective}

/** The parameters of ALS, read and checked by the spec `als.json`, which is the one home of their
  * names, defaults, ranges and docs.
  */
final class AlsParams private (val json: ObjectNode) extends Serializable {
  private def at(name: String): JsonNode = json.get(name)

  def rank: Int = at("rank").asInt
  def maxIter: Int = at("max_iter").asInt
  def reg: Double = at("reg").asDouble
  def strategy: String = at("strategy").asText
  def implicitFeedback: Boolean = at("implicit").asBoolean
  def alpha: Double = at("alpha").asDouble
  def nonnegative: Boolean = at("nonnegative").asBoolean
  def numBlocks: Option[Int] = Option(at("num_blocks")).filterNot(_.isNull).map(_.asInt)
  def tol: Option[Double] = Option(at("tol")).filterNot(_.isNull).map(_.asDouble)
  def patience: Option[Int] = Option(at("patience")).filterNot(_.isNull).map(_.asInt)
  def duplicates: Duplicates = Duplicates.named(at("duplicates").asText).get
  def coldStart: String = at("cold_start").asText
  def seed: Long = at("random_state").asLong

  /** Whether factors are sampled and not minimised. */
  def sampled: Boolean = at("method").asText == "gibbs"
  def samples: Int = at("n_samples").asInt
  def burnIn: Int = at("burn_in").asInt
  def thin: Int = at("thin").asInt

  /** Whether every row is solved from its normal equations. */
  def exact: Boolean = !sampled && (nonnegative || plan(0).method == Method.Cholesky)

  private def inexact: String =
    if (sampled) "method='gibbs'" else s"solver='${at("solver").asText}'"

  /** A rating's precision in sampling; None where it is drawn as well. */
  def noisePrecision: Option[Double] =
    Option(at("noise_precision")).filterNot(_.isNull).map(_.asDouble)

  /** Sampling always has biases. */
  def biases: Boolean = sampled || at("biases").asBoolean

  /** Iterations at most. */
  def sweeps: Int = if (sampled) burnIn + samples * thin else maxIter

  /** Columns to a row of the model: of a sample's row, times the samples. */
  def width: Int = plan(0).width * (if (sampled) samples else 1)

  /** Of these, the columns that are factors and not biases. */
  def factorColumns: Array[Int] = {
    val each = plan(0).width
    Array.range(0, width).filter(_ % each < rank)
  }

  /** What is added to a product of factors, where ratings are centred by their mean. */
  def offset(mean: Double): Float = if (biases && !implicitFeedback) mean.toFloat else 0f

  /** The solver that is meant: what the hybrid adds up are normal equations. */
  private def solver: String = {
    val named = at("solver").asText
    if (named == "auto" && strategy == "hybrid") "cholesky" else named
  }

  /** What a fit of so many rows and ratings is to those who price it. */
  def shape(users: Long, items: Long, ratings: Long, weighted: Boolean): Shape =
    Shape(users, items, ratings, plan(0).width, sweeps, weighted, exact)

  /** What a fit to ratings of this mean computes. */
  def plan(mean: Double): Plan = {
    val objective = Objective(
      implicitFeedback,
      alpha.toFloat,
      reg.toFloat,
      nonnegative,
      Option(at("unobserved_weight")).filterNot(_.isNull).map(_.asDouble.toFloat),
      at("reg_exponent").asDouble,
      at("reg_unobserved").asDouble,
      biases,
      offset(mean)
    )
    val method = Method.named(solver, rank, at("cg_steps").asInt, at("block_size").asInt)
    Plan(rank, objective, method, seed, at("init_scale").asDouble, sampled)
  }

  /** Throws where a fit would take no notice of what was asked; models that were fitted so can be
    * read all the same.
    */
  def refuseIdle(): Unit = InvalidInput.unless(
    implicitFeedback || at("unobserved_weight").isNull,
    "unobserved_weight is for implicit feedback; set implicit=True, or leave it out"
  )

  /** The same parameters with one changed: `params.set("rank", 20)`. */
  def set(name: String, value: Any): AlsParams = {
    val next = json.deepCopy()
    val factory = JsonNodeFactory.instance
    value match {
      case v: Int     => next.put(name, v)
      case v: Long    => next.put(name, v)
      case v: Double  => next.put(name, v)
      case v: Float   => next.put(name, v.toString.toDouble) // 0.1f means 0.1
      case v: Boolean => next.put(name, v)
      case null       => next.set[ObjectNode](name, factory.nullNode)
      case v          => next.put(name, v.toString)
    }
    AlsParams.of(next)
  }
}

object AlsParams {
  lazy val spec: ParameterSpec = ParameterSpec.named("als")

  /** The defaults. */
  def apply(): AlsParams = of(JsonNodeFactory.instance.objectNode())

  /** From JSON; what is missing takes its default. Throws where a name or a value is wrong. */
  def of(chosen: ObjectNode): AlsParams = {
    val params = new AlsParams(spec.complete(chosen))
    InvalidInput.unless(
      !params.sampled || !(params.implicitFeedback || params.nonnegative),
      "method='gibbs' samples explicit ratings; leave implicit and nonnegative off, or take method='als'"
    )
    InvalidInput.unless(
      !params.sampled || params.patience.isEmpty,
      "patience stops method='als'; method='gibbs' takes n_samples samples, so leave patience out"
    )
    InvalidInput.unless(
      params.strategy != "hybrid" || params.exact,
      s"strategy='hybrid' adds up normal equations, which ${params.inexact} does not solve; take strategy='data-parallel' or 'blocked'"
    )
    params
  }
}
