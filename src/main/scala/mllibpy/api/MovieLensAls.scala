package mllibpy.api

import com.fasterxml.jackson.databind.ObjectMapper
import mllibpy.algorithm.als.{Als, AlsParams}
import mllibpy.engine.InvalidInput
import org.apache.spark.sql.SparkSession

/** A job for `spark-submit`: learns from a ratings file, scores on a held-out tenth, saves the
  * model. The same job as `examples/movielens_als.py`, to the last bit.
  */
object MovieLensAls {
  private val columns = """{"user_col": "user", "item_col": "item", "rating_col": "rating"}"""
  private val usage =
    "usage: MovieLensAls --data URI --out URI [--rank N] [--reg X] [--iterations N] [--strategy S] [--seed N]"

  def main(args: Array[String]): Unit = {
    // The factors come to the driver at the end, however large they are.
    val spark = SparkSession
      .builder()
      .appName("MovieLensAls")
      .config("spark.driver.maxResultSize", "0")
      .getOrCreate()
    val code =
      try {
        println(run(spark, options(args.toList)))
        0
      } catch {
        case e: InvalidInput =>
          System.err.println(s"MovieLensAls: ${e.getMessage}")
          2
      } finally spark.stop()
    if (code != 0) sys.exit(code)
  }

  private def run(spark: SparkSession, chosen: Map[String, String]): String = {
    val files = new Files(spark.sparkContext.hadoopConfiguration)
    val params = AlsParams()
      .set("rank", integer(chosen, "rank", "10"))
      .set("reg", number(chosen, "reg", "0.1"))
      .set("max_iter", integer(chosen, "iterations", "10"))
      .set("strategy", chosen.getOrElse("strategy", "auto"))
    val seed = integer(chosen, "seed", "0")
    val ratings = Door.ratingsFromUri(chosen("data"), columns).keep()
    try {
      val parts = ratings.split(Seq(0.9, 0.1), seed)
      val (train, test) = (parts.head, parts.last)
      val model = Als.fit(train, params.set("random_state", seed))
      new ModelFiles(files).save(model, chosen("out"), overwrite = true)
      val answer = new ObjectMapper().createObjectNode()
      answer.put("n_ratings", ratings.facts.count)
      answer.put("strategy", model.facts.strategy)
      answer.put("test_rmse", model.score(test).rmse)
      answer.toString
    } finally ratings.release()
  }

  private def number(chosen: Map[String, String], name: String, default: String): Double =
    chosen.getOrElse(name, default).toDoubleOption.getOrElse {
      throw new InvalidInput(s"--$name must be a number, not '${chosen(name)}'")
    }

  private def integer(chosen: Map[String, String], name: String, default: String): Long =
    chosen.getOrElse(name, default).toLongOption.getOrElse {
      throw new InvalidInput(s"--$name must be an integer, not '${chosen(name)}'")
    }

  private val names = Set("data", "out", "rank", "reg", "iterations", "strategy", "seed")

  private def options(args: List[String]): Map[String, String] = {
    def pairs(rest: List[String]): Map[String, String] = rest match {
      case Nil                                                                   => Map.empty
      case name :: value :: more if name.startsWith("--") && names(name.drop(2)) =>
        pairs(more) + (name.drop(2) -> value)
      case other :: _ => throw new InvalidInput(s"'$other' is not an option with a value; $usage")
    }
    val found = pairs(args)
    for (needed <- Seq("data", "out"))
      InvalidInput.unless(found.contains(needed), s"--$needed is missing; $usage")
    found
  }
}
