package mllibpy.api

import mllibpy.algorithm.als.{Recommender, Scorer}
import mllibpy.engine.Lasting
import org.apache.spark.sql.types.{FloatType, LongType, StructField, StructType}
import org.apache.spark.sql.{DataFrame, Row, SparkSession}

/** The answer to what is asked as a DataFrame of (asker, found, score, rank), in the order of the
  * askers, best first. Executors compute it when it is used; nothing of it passes the driver.
  */
object RecommendationsFrame {
  def of(spark: SparkSession, asking: Asking, askerCol: String, foundCol: String): DataFrame = {
    val sc = spark.sparkContext
    val question = asking.question
    val found = asking.found
    val runs = Recommender.runs(sc, question)
    val shared = Lasting(sc, new Answerer(new Scorer(question), asking.askers, found))
    val rows = sc
      .parallelize(runs, Math.max(1, runs.length))
      .flatMap { case (from, until) => shared.value.rows(from, until) }
    spark.createDataFrame(rows, schema(askerCol -> asking.askers, foundCol -> found))
  }

  private def schema(ids: (String, Ids)*): StructType = {
    val columns =
      ids.map { case (name, i) => name -> i.sqlType } ++ Seq(
        "score" -> FloatType,
        "rank" -> LongType
      )
    StructType(columns.map { case (name, t) => StructField(name, t, nullable = false) })
  }
}

/** Answers as rows, some askers at a time: a task's whole answer need not fit its memory. */
private final class Answerer(scorer: Scorer, askers: Ids, found: Ids) extends Serializable {
  private final val RowsAtOnce = 1 << 18

  def rows(from: Int, until: Int): Iterator[Row] = {
    val step = Math.max(8, RowsAtOnce / Math.max(1, scorer.question.most))
    Iterator.range(from, until, step).flatMap(a => some(a, Math.min(until, a + step)))
  }

  private def some(from: Int, until: Int): Iterator[Row] = {
    val answer = scorer.run(from, until)
    for (
      i <- Iterator.range(0, until - from);
      at <- Iterator.range(answer.start(i), answer.start(i + 1))
    )
      yield Row(
        askers.at(from + i),
        found.at(answer.items(at)),
        answer.scores(at),
        at - answer.start(i) + 1L
      )
  }
}
