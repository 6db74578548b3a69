package mllibpy.api

import com.fasterxml.jackson.databind.node.ObjectNode
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import mllibpy.algorithm.decomposition.{Certificate, Left, Svd, SvdFit, SvdParams}
import mllibpy.algorithm.linear.LinearData
import org.apache.spark.SparkContext
import org.apache.spark.sql.DataFrame

import scala.jdk.CollectionConverters._

/** The part of the door that decompositions take. */
trait DecompositionDoor {
  protected def mapper: ObjectMapper
  protected def sc: SparkContext
  protected def parse(json: String): JsonNode

  private def present(m: JsonNode, key: String): Option[JsonNode] =
    Option(m.get(key)).filterNot(_.isNull)

  def svdFit(data: LinearData, params: String): FitHandle[SvdFit] = {
    val m = parse(params)
    val p = SvdParams(
      m.get("k").asInt,
      m.get("method").asText,
      m.get("centred").asBoolean,
      present(m, "tol").map(_.asDouble),
      m.get("oversamples").asInt,
      m.get("max_passes").asInt,
      m.get("seed").asLong
    )
    new FitHandle(sc, s"SVD, k=${p.k}")((monitor, _) => Svd(data, p, monitor))
  }

  /** Writes the singular values and the right vectors, one after the other; tells the rest. */
  def svdResult(fit: SvdFit, out: String): String = {
    ArrayWriter.doubles(s"$out.s", fit.s)
    val (n, k) = (fit.v.rows, fit.v.columns)
    ArrayWriter.doubles(s"$out.v", Array.tabulate(n * k)(i => fit.v(i % n, i / n)))
    val told = mapper.createObjectNode()
    told.put("found", k)
    told.put("rows", fit.rows)
    told.put("method", fit.method)
    told.put("converged", fit.converged)
    val costs = told.putArray("costs")
    for (c <- fit.costs) {
      val one = costs.addObject()
      one.put("method", c.method)
      one.put("seconds", c.seconds)
      one.put("passes", c.passes)
      one.put("driver_bytes", c.bytes)
      one.put("fits", c.fits)
    }
    told.set[ObjectNode]("certificate", certificate(fit.certificate))
    val failed = told.putArray("failed")
    for ((name, value, most) <- fit.certificate.failed)
      failed.addObject().put("name", name).put("value", value).put("most", most)
    told.toString
  }

  private def certificate(c: Certificate): ObjectNode = {
    val out = mapper.createObjectNode()
    out.put("residual_right", c.right)
    out.put("residual_left", c.left)
    out.put("orthonormal_u", c.orthonormalU)
    out.put("orthonormal_v", c.orthonormalV)
    out.put("error", c.error)
    c.next.fold(out.putNull("next_value"))(out.put("next_value", _))
    out.put("resolution", c.resolution)
    out.put("tolerance", c.tolerance)
    out.put("passes", c.passes)
    out.put("holds", c.holds)
    out
  }

  /** Writes the left vectors of a fit to arrays, by row. */
  def svdLeft(fit: SvdFit, out: String): Unit = {
    val blocks = Left.rows(fit)
    ArrayWriter.parts(out, blocks)
  }

  /** A DataFrame with a column more: of each row its part of the left vectors. */
  def svdLeftFrame(fit: SvdFit, df: DataFrame, meta: String): DataFrame = {
    val m = parse(meta)
    val columns = m.get("columns").elements.asScala.map(_.asText).toSeq
    LeftFrames.of(df, columns, fit.map, fit.data.form, m.get("out").asText)
  }

  /** Writes the columns' means and variances. */
  def momentsResult(data: LinearData, out: String): Unit = {
    val m = data.moments
    ArrayWriter.doubles(s"$out.means", m.means)
    ArrayWriter.doubles(s"$out.variances", Array.tabulate(m.features)(m.variance))
  }
}
