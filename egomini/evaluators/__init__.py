"""Networks fitted on the embedded world: features of captions and videos, hands, odometry."""
