package mllibpy.api

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import mllibpy.algorithm.linear.{
  LinearData,
  LinearFit,
  LinearParams,
  MiniBatchPlan,
  Penalty,
  Sgd,
  SgdFit,
  SgdParams
}
import mllibpy.engine.InvalidInput
import mllibpy.kernel.linear.{
  Form,
  HingeLoss,
  HuberLoss,
  InsensitiveLoss,
  LogisticLoss,
  Loss,
  MarginLoss,
  ModifiedHuberLoss,
  MultinomialLoss,
  OneVsRestLoss,
  PerceptronLoss,
  SgdPlan,
  SquaredHingeLoss,
  SquaredLoss,
  StepSize
}
import org.apache.spark.SparkContext
import org.apache.spark.sql.DataFrame

import scala.jdk.CollectionConverters._

/** The part of the door that linear models take. */
trait LinearDoor {
  protected def mapper: ObjectMapper
  protected def sc: SparkContext
  protected def parse(json: String): JsonNode

  def linearData(path: String, meta: String): LinearData =
    LinearArrays.fromFile(sc, path, parse(meta))

  def linearDataFromFrame(df: DataFrame, meta: String): LinearData =
    LinearFrames.read(df, parse(meta))

  /** @param weights
    *   of the classes, as a list
    */
  def linearByClass(data: LinearData, weights: String): LinearData =
    data.byClass(parse(weights).elements.asScala.map(_.asDouble).toArray)

  def releaseLinear(data: LinearData): Unit = data.release()

  def linearFacts(data: LinearData): String = {
    val m = data.moments
    val out = mapper.createObjectNode()
    out.put("rows", m.rows)
    out.put("weight", m.weight)
    out.put("features", data.features)
    out.put("sparse", data.form == Form.Sparse)
    out.put("dtype", if (data.form == Form.Floats) "float32" else "float64")
    out.put("partitions", data.blocks.partitions)
    val classes = out.putArray("class_weights")
    m.classWeights.foreach(classes.add(_))
    out.toString
  }

  /** @param start
    *   a file with the coefficients to begin at; null for none
    */
  def linearFit(data: LinearData, params: String, start: String): FitHandle[LinearFit] = {
    val m = parse(params)
    val loss = lossOf(m)
    val from = Option(start).map(coefficients(_, loss.outputs, data.features))
    val p = LinearParams(
      loss,
      m.get("penalties")
        .elements
        .asScala
        .map { x =>
          Penalty(x.get("l2").asDouble, x.get("l1").asDouble)
        }
        .toSeq,
      from,
      m.get("fit_intercept").asBoolean,
      m.get("standardize").asBoolean,
      m.get("solver").asText,
      m.get("tol").asDouble,
      m.get("max_iter").asInt,
      MiniBatchPlan(
        m.path("step").asDouble(1),
        m.path("fraction").asDouble(1),
        m.path("seed").asLong(0)
      )
    )
    new FitHandle(sc, s"linear model, ${m.get("loss").asText} loss")((monitor, _) =>
      LinearFit(data, p, monitor)
    )
  }

  /** From a file: by output, each with its intercept behind. */
  private def coefficients(path: String, outputs: Int, features: Int): Array[Double] = {
    val in = new ArrayReader(path)
    try in.doubles(outputs * (features + 1))
    finally in.close()
  }

  /** Of several classes, each against all others where the loss knows two. */
  private def lossOf(m: JsonNode): Loss = (m.get("loss").asText, m.get("classes").asInt) match {
    case ("multinomial", classes) => MultinomialLoss(classes)
    case (name, classes)          =>
      val of = marginLoss(name, m)
      if (classes > 2) OneVsRestLoss(of, classes) else of
  }

  private def marginLoss(name: String, m: JsonNode): MarginLoss = name match {
    case "logistic"            => LogisticLoss
    case "hinge"               => HingeLoss
    case "squared_hinge"       => SquaredHingeLoss
    case "squared"             => SquaredLoss
    case "huber"               => HuberLoss(m.get("epsilon").asDouble)
    case "modified_huber"      => ModifiedHuberLoss
    case "perceptron"          => PerceptronLoss
    case "insensitive"         => InsensitiveLoss(m.get("epsilon").asDouble, 1)
    case "squared_insensitive" => InsensitiveLoss(m.get("epsilon").asDouble, 2)
    case other                 => throw new InvalidInput(s"there is no loss '$other'")
  }

  /** Writes the coefficients of all models, by model and output, each with its intercept behind;
    * gives what else there is to tell.
    */
  def linearResult(fit: LinearFit, out: String): String = {
    ArrayWriter.doubles(out, fit.models.flatMap(_.coefficients).toArray)
    val told = mapper.createObjectNode()
    told.put("solver", fit.solver)
    told.put("passes", fit.passes)
    told.put("bytes_to_driver", fit.bytes)
    val models = told.putArray("models")
    for (m <- fit.models) {
      val one = models.addObject()
      one.put("objective", m.objective)
      if (!m.gradient.isNaN) one.put("gradient", m.gradient)
      one.put("iterations", m.iterations)
      one.put("reason", m.reason)
      m.gap.foreach(one.put("gap", _))
      val history = one.putArray("history")
      m.history.foreach(history.add(_))
    }
    told.toString
  }

  /** @param start
    *   a file with the coefficients to begin at
    */
  def sgdFit(data: LinearData, params: String, start: String): FitHandle[SgdFit] = {
    val m = parse(params)
    val loss = marginLoss(m.get("loss").asText, m)
    val (alpha, classes) = (m.get("alpha").asDouble, m.get("classes").asInt)
    val from = coefficients(start, classes, data.features)
    val rule = m.get("learning_rate").asText
    val t0 = if (rule == "optimal") StepSize.begin(alpha) - 1 else 0
    val step =
      StepSize(rule, m.get("eta0").asDouble, alpha, m.get("power_t").asDouble, t0)
    val plan = SgdPlan(
      loss,
      data.features,
      classes,
      m.get("l2").asDouble,
      m.get("l1").asDouble,
      m.get("fit_intercept").asBoolean,
      m.get("shuffle").asBoolean,
      step
    )
    val p = SgdParams(
      plan,
      from,
      m.get("steps").asDouble,
      m.get("max_iter").asInt,
      Option(m.get("tol")).filterNot(_.isNull).map(_.asDouble),
      m.get("patience").asInt,
      m.get("average").asBoolean,
      m.get("seed").asLong,
      if (m.get("measured").asBoolean) Some(lossOf(m)) else None
    )
    new FitHandle(sc, "linear model, stochastic gradient descent")((monitor, _) =>
      Sgd(data, p, monitor)
    )
  }

  def sgdResult(fit: SgdFit, out: String): String = {
    ArrayWriter.doubles(out, fit.coefficients)
    val told = mapper.createObjectNode()
    told.put("steps", fit.steps)
    told.put("iterations", fit.epochs)
    told.put("passes", fit.passes)
    told.put("reason", fit.reason)
    told.put("bytes_to_driver", fit.bytes)
    for ((objective, gradient) <- fit.end) {
      told.put("objective", objective)
      told.put("gradient", gradient)
    }
    val losses = told.putArray("losses")
    fit.losses.foreach(losses.add(_))
    told.toString
  }

  /** A DataFrame with a column more: what the linear functions in a file say of each row. */
  def linearScores(df: DataFrame, path: String, meta: String): DataFrame = {
    val m = parse(meta)
    val (outputs, features) = (m.get("outputs").asInt, m.get("features").asInt)
    val w = coefficients(path, outputs, features)
    LinearFrames.scores(
      df,
      m.get("columns").elements.asScala.map(_.asText).toSeq,
      m.get("out").asText,
      w,
      outputs
    )
  }
}
