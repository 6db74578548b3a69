package mllibpy.api

import mllibpy.engine.InvalidInput
import mllibpy.kernel.cluster.{Centres, RowScores}
import org.apache.spark.ml.linalg.{SparseVector, Vector}
import org.apache.spark.sql.DataFrame
import org.apache.spark.sql.functions.udf

/** Rows of a DataFrame with what centres say of them. Crossings: the centres, once to each
  * executor.
  */
object ClusterFrames {
  def labelled(df: DataFrame, columns: Seq[String], out: String, centres: Centres): DataFrame = {
    val shared = df.sparkSession.sparkContext.broadcast(centres)
    val vector = LinearFrames.vector(df, columns)
    val features = centres.features
    val column =
      if (out == "prediction")
        udf { (v: Vector) =>
          val (values, at) = entries(v, features)
          scores(shared.value).nearest(values, at)
        }.apply(vector)
      else
        udf { (v: Vector) =>
          val (values, at) = entries(v, features)
          scores(shared.value).distances(values, at)
        }.apply(vector)
    df.withColumn(out, column)
  }

  // One to a thread, since it owns its scratch space.
  private val own = new ThreadLocal[(Centres, RowScores)]

  private def scores(centres: Centres): RowScores = {
    val kept = own.get
    if (kept != null && (kept._1 eq centres)) kept._2
    else {
      val made = new RowScores(centres)
      own.set((centres, made))
      made
    }
  }

  private def entries(v: Vector, features: Int): (Array[Double], Array[Int]) = {
    InvalidInput.unless(v != null, "a row's features are null; drop or fill such rows")
    InvalidInput.unless(
      v.size == features,
      s"a row has ${v.size} features, and the model was fitted to $features"
    )
    v match {
      case s: SparseVector => (s.values, s.indices)
      case dense           => (dense.toArray, null)
    }
  }
}
