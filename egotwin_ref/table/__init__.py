"""All rows of the paper's table: `plan` and `pace` say what training costs, `guidance_choice` how each is guided."""
