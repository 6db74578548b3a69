package mllibpy.algorithm.als

import com.fasterxml.jackson.databind.node.{JsonNodeFactory, ObjectNode}
import com.fasterxml.jackson.databind.JsonNode
import mllibpy.engine.{Duplicates, ParameterSpec}
import mllibpy.kernel.Objective

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
  def duplicates: Duplicates = Duplicates.named(at("duplicates").asText).get
  def coldStart: String = at("cold_start").asText
  def seed: Long = at("random_state").asLong

  def objective: Objective = Objective(implicitFeedback, alpha.toFloat, reg.toFloat, nonnegative)

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
  def of(chosen: ObjectNode): AlsParams = new AlsParams(spec.complete(chosen))
}
