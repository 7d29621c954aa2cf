"""What somebody may ask of a training: values alone, without TensorFlow."""
